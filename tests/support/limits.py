"""Time limits in tests: they guard against what hangs, and honest work never reaches them.

The suite runs on machines of any speed, beside other work. So no limit here says how long something
should take: the longest waits of the default tests take a few minutes on a slow machine.
"""

from __future__ import annotations

# Of one wait for a process, a server or an answer: a little less than pytest's own limit of a test
# (`timeout` in pyproject.toml), so that the failure names what was waited for.
HANG_S = 1100.0
# Of a test that does many things one after another, and of each of its waits.
LONG_TEST_S = 7200
LONG_HANG_S = 3600.0
