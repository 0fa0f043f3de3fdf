"""Every entry point stopped at random moments by SIGINT, SIGTERM and SIGKILL, and run again.

The same command is stopped several times in a row, so that it meets what it left itself, and what
is there is checked each time; then it runs to its end. `VCC_KILLS` says how often is stopped in
all. The moments are shares of what an undisturbed run took, seeded by the number of the case.
"""

from __future__ import annotations

import logging
import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from killed_project import Project, add_compressed, check_whole, entry_of, make_project
from limits import LONG_TEST_S
from served_network import tracking
from warm_process import Stop, Timed, WarmProcess

from vcc.data.store.prepared import PreparedDataset
from vcc.data.store.verify import verify
from vcc.pipeline.doctor.registry_check import findings
from vcc.tracking.inventory import read_registry

# The first test makes the project, too.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONG_TEST_S)]

MOVE = "vcc.pipeline.commands.promote:make_champion"
# What is stopped, and from which moment on: aliases move in a small part of a promotion.
TARGETS = [
    *((name, "") for name in ("prepare", "train", "compress", "evaluate", "export", "promote",
                              "rollback", "predict", "sensitivity", "study", "pipeline", "search",
                              "doctor")),
    ("promote", MOVE),
    ("rollback", MOVE),
]  # fmt: skip
SIGNALS = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM]
COUNT = int(os.environ.get("VCC_KILLS", len(TARGETS) * len(SIGNALS)))
# Ended before the signal; stopped; stopped while Python itself started or ended.
CODES = {
    signal.SIGKILL: {0, -signal.SIGKILL},
    signal.SIGINT: {0, 130, -signal.SIGINT},
    signal.SIGTERM: {0, 143, -signal.SIGTERM},
}


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmProcess]:
    process = WarmProcess()
    yield process
    process.close()


@pytest.fixture(scope="module")
def project(warm: WarmProcess, tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("stopped"), warm.call)
    assert_consistent(made)
    return made


@pytest.fixture(scope="module")
def compressed(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return add_compressed(project.copy(tmp_path_factory.mktemp("compressed")))


Start = Callable[[Project, str, Stop | None, str], Timed]


@pytest.fixture(scope="module")
def start(warm: WarmProcess) -> Start:
    def run(project: Project, name: str, stop: Stop | None, moment: str) -> Timed:
        environment = {"MLFLOW_TRACKING_URI": project.uri}
        words = project.words(name)
        return warm.run(
            entry_of(name), words, folder=project.folder, environment=environment, stop=stop,
            moment=moment,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def seconds() -> dict[tuple[str, str], float]:
    """How long each target took undisturbed."""
    return {}


def copy_for(name: str, folder: Path, request: pytest.FixtureRequest) -> Project:
    made: Project = request.getfixturevalue("compressed" if name == "promote" else "project")
    folder.mkdir()
    return made.copy(folder, new_data=name in ("prepare", "study", "pipeline"))


def assert_consistent(project: Project) -> None:
    """Check that the doctor finds nothing wrong."""
    with tracking(project.uri):
        wrong = [each for each in findings(read_registry(), project.root.parent) if each.broken]
    assert not wrong, "\n".join(line for each in wrong for line in each.lines())


@pytest.mark.parametrize("case", range(-(-COUNT // len(SIGNALS))))
def test_what_was_stopped_is_run_again(
    case: int,
    start: Start,
    seconds: dict[tuple[str, str], float],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    name, moment = target = TARGETS[case % len(TARGETS)]
    if target not in seconds:
        undisturbed = start(copy_for(name, tmp_path / "whole", request), name, None, moment)
        assert undisturbed.ended.code == 0, undisturbed.ended.printed
        seconds[target] = undisturbed.seconds
    mine = copy_for(name, tmp_path / "mine", request)
    rng = random.Random(f"case {case}")
    told = ""

    for number in rng.sample(SIGNALS, len(SIGNALS)):
        after_s = rng.random() * seconds[target]
        stopped = start(mine, name, Stop(number, after_s, moment), moment)
        how = f"stopped by {number.name}" if stopped.stopped else "ended"
        logging.getLogger(__name__).info("%s %s %s after %.2f s", name, moment, how, after_s)
        told += f"{name} {how} after {after_s:.2f} s: {stopped.ended.printed}\n"
        assert stopped.ended.code in CODES[number], told
        if number != signal.SIGKILL and stopped.ended.code > 0:
            assert stopped.ended.printed.splitlines()[-1].startswith("error: stopped by"), told
        check_whole(mine, settled=False)
    again = start(mine, name, None, "")
    assert again.ended.code == 0, f"{told}then: {again.ended.printed}"
    check_whole(mine, settled=True)
    assert_consistent(mine)
    if name in ("prepare", "pipeline"):
        verify(mine.root / "tiny")
        assert PreparedDataset.open(mine.root / "tiny").digest == mine.trained_on
