"""Two of a kind at the same moment, on SQLite and on PostgreSQL: both end well, nothing is mixed.

Once from two folders with one tracking server and the same data, once from the same folder.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from killed_project import Project, check_whole, make_project
from limits import LONG_TEST_S
from served_network import tracking
from tracking_servers import mlflow_server, postgresql
from warm_process import WarmProcess

from vcc.pipeline.doctor.registry_check import findings
from vcc.tracking.inventory import read_registry

# The first test makes the project, too.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONG_TEST_S)]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[WarmProcess, WarmProcess]]:
    both = WarmProcess(), WarmProcess()
    yield both
    for process in both:
        process.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def first(
    request: pytest.FixtureRequest,
    pair: tuple[WarmProcess, WarmProcess],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Project]:
    """A project, tracked in the database of the parameter."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "first").mkdir()
    if request.param == "sqlite":
        # As two processes on a laptop without a server use it.
        yield make_project(folder / "first", pair[0].call, f"sqlite:///{folder / 'mlflow.db'}")
        return
    with postgresql() as database, mlflow_server(database, folder) as address:
        yield make_project(folder / "first", pair[0].call, address)


@pytest.mark.parametrize("place", ["apart", "together"])
@pytest.mark.parametrize("name", ["compress", "export", "evaluate", "study", "predict"])
def test_two_at_once(
    name: str, place: str, first: Project, pair: tuple[WarmProcess, WarmProcess]
) -> None:
    second = dataclasses.replace(first, caller=pair[1].call)
    if place == "apart":
        folder = first.folder.with_name("second")
        shutil.copytree(
            first.folder, folder, ignore=shutil.ignore_patterns("data"), dirs_exist_ok=True
        )
        second = dataclasses.replace(second, folder=folder)
    # What a study has computed it does not compute again.
    for project in (first, second):
        shutil.rmtree(project.folder / "results" / "study", ignore_errors=True)
    shutil.rmtree(first.root / "study_networks", ignore_errors=True)

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda project: project.call(name), (first, second)))

    for each in ended:
        assert each.code == 0, each.printed
    for project in (first, second):
        check_whole(project, settled=True)
        assert not list(project.folder.rglob(".partial-*"))
    with tracking(first.uri):
        wrong = [each for each in findings(read_registry(), first.root.parent) if each.broken]
    assert not wrong, "\n".join(line for each in wrong for line in each.lines())
