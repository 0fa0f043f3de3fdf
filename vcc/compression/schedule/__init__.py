"""The language: YAML to a `Schedule`, checked with line numbers, then cut into phases.

Open a file with `loader.load_schedule`; name parameters through `selectors`.
A schedule is immutable data: nothing here knows a network.
"""
