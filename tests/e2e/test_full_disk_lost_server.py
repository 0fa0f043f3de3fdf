"""A disk that fills up and a server that goes away: one clear line, and the next run works."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from killed_project import Project, check_whole, make_project
from killing import SERVER_VARIABLE, FaultPoint
from limits import LONG_TEST_S
from tracking_servers import free_port, running, wait_for

from vcc.errors import TrackingError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONG_TEST_S)]

ARTIFACTS = ("mlflow.store.artifact.local_artifact_repo:LocalArtifactRepository", "log_artifacts")
RESULTS = "vcc.evaluation.results_tree"
FULL = [
    ("prepare", FaultPoint("vcc.data.store.files:ContainerWriter", "add", 10, "before", "fill")),
    ("train", FaultPoint("os", "fsync", 1, "before", "fill")),
    ("compress", FaultPoint("vcc.pipeline.register", "save_checkpoint", 1, "before", "fill")),
    ("evaluate", FaultPoint(RESULTS, "write_val_json", 1, "before", "fill")),
    ("export", FaultPoint(*ARTIFACTS, 1, "before", "fill")),
    ("export", FaultPoint(*ARTIFACTS, 2, "before", "fill")),
    ("export", FaultPoint("shutil", "copyfileobj", 1, "before", "fill")),
    ("predict", FaultPoint("vcc.pipeline.commands.predict", "_write_csv", 1, "after", "fill")),
]
LOST = [
    ("compress", FaultPoint("vcc.pipeline.register", "save_checkpoint", 1, "after", "lose")),
    ("evaluate", FaultPoint(RESULTS, "write_val_json", 1, "after", "lose")),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("full"))


def assert_one_line(printed: str) -> None:
    assert "Traceback" not in printed
    assert [line for line in printed.splitlines() if line.startswith("error: ")] == [
        printed.splitlines()[-1]
    ]


@pytest.mark.parametrize(("name", "point"), FULL, ids=str)
def test_a_full_disk(project: Project, name: str, point: FaultPoint, tmp_path: Path) -> None:
    mine = project.copy(tmp_path, new_data=name == "prepare")
    ended = mine.call(name, point=point)
    assert ended.code > 0, ended.printed
    assert_one_line(ended.printed)
    assert "No space left on device" in ended.printed
    if name != "prepare":
        check_whole(mine, settled=True)
    mine.must(name)
    check_whole(mine, settled=True)


@pytest.mark.parametrize(("name", "point"), LOST, ids=str)
def test_a_lost_server(project: Project, name: str, point: FaultPoint, tmp_path: Path) -> None:
    mine = project.copy(tmp_path)
    port = free_port()
    words = ("server", "--backend-store-uri", mine.uri, "--host", "127.0.0.1", "--port", str(port))
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = tmp_path / "server.log"
    with running("mlflow", *words, "--workers", "1", log=log, env=environment) as server:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/health", server, log)
        ended = mine.call(
            name,
            point=point,
            MLFLOW_TRACKING_URI=address,
            MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
            **{SERVER_VARIABLE: str(server.pid)},
        )
    assert ended.code == TrackingError.exit_code, ended.printed
    assert_one_line(ended.printed)
    check_whole(mine, settled=False)
    mine.must(name)
    check_whole(mine, settled=True)
