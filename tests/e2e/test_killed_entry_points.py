"""Every entry point killed by SIGKILL: nothing half-made is left, and the next run works."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from killed_project import Project, add_compressed, check_whole, make_project
from killing import FaultPoint
from limits import LONG_TEST_S

# The first test makes the project, too.
# The default tests kill what these are made of: prepare, training, compression, the database and
# promotion, each in its own unit tests.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONG_TEST_S)]

COMMIT = ("sqlalchemy.orm:Session", "commit")
TRAIN = "vcc.pipeline.train.epochs"
PROMOTION = "vcc.tracking.promotion"
LOCK = "vcc.tracking.promotion_lock"
RESULTS = "vcc.evaluation.results_tree"

# Entry point, and where it dies: an export between the two forms of a network, a rollback between
# two aliases. Each call starts a process, which takes seconds.
FIRST = [
    ("export", FaultPoint("mlflow", "register_model", 1, "after")),
    ("rollback", FaultPoint(PROMOTION, "set_alias", 3, "after")),
]
# A training that is registered and has no alias yet, a compression whose files are there and not
# registered, an evaluation with one of its files to go.
MORE = [
    ("train", FaultPoint("mlflow", "register_model", 1, "after")),
    ("compress", FaultPoint("mlflow.pyfunc", "log_model", 1, "after")),
    ("evaluate", FaultPoint(RESULTS, "write_val_json", 1, "after")),
    # Before, between and after videos; with the manifest half-written; with nothing logged yet.
    ("prepare", FaultPoint("vcc.data.motion", "write_video", 30, "after")),
    ("prepare", FaultPoint("vcc.data.store.files:ContainerWriter", "finish", 10, "before")),
    ("prepare", FaultPoint("vcc.data.store.files:ContainerWriter", "finish", 50, "after")),
    ("prepare", FaultPoint("os", "fsync", 1, "before")),
    ("prepare", FaultPoint("vcc.data.prepare.run", "write_manifest", 1, "after")),
    ("prepare", FaultPoint("mlflow", "log_input", 1, "before")),
    ("prepare", FaultPoint(*COMMIT, 8, "before")),
    # In an epoch; while a checkpoint is written; around everything that registers.
    ("train", FaultPoint(f"{TRAIN}:ClassifierModule", "on_train_batch_end", 1, "after")),
    ("train", FaultPoint("os", "fsync", 1, "before")),
    ("train", FaultPoint("os", "fsync", 2, "after")),
    ("train", FaultPoint("vcc.pipeline.register", "save_checkpoint", 1, "after")),
    ("train", FaultPoint("mlflow.pyfunc", "log_model", 1, "after")),
    ("train", FaultPoint("vcc.pipeline.register", "set_alias", 1, "after")),
    ("train", FaultPoint(*COMMIT, 12, "before")),
    ("compress", FaultPoint("vcc.pipeline.train.epochs:ClassifierModule", "on_train_batch_end", 1)),
    ("compress", FaultPoint("os", "fsync", 1, "before")),
    ("compress", FaultPoint("mlflow", "register_model", 1, "before")),
    ("compress", FaultPoint("mlflow", "register_model", 1, "after")),
    ("compress", FaultPoint("vcc.pipeline.register", "set_alias", 1, "after")),
    ("compress", FaultPoint(*COMMIT, 12, "before")),
    ("evaluate", FaultPoint(RESULTS, "write_val_json", 1, "before")),
    ("evaluate", FaultPoint(RESULTS, "_place", 1, "before")),
    ("evaluate", FaultPoint(RESULTS, "_place", 1, "after")),
    ("evaluate", FaultPoint("vcc.pipeline.evaluate.step", "tag_version", 1, "before")),
    ("evaluate", FaultPoint("vcc.pipeline.evaluate.step", "tag_version", 1, "after")),
    ("evaluate", FaultPoint(*COMMIT, 12, "before")),
    ("export", FaultPoint("mlflow.onnx", "log_model", 1, "after")),
    ("export", FaultPoint("mlflow", "register_model", 2, "before")),
    ("export", FaultPoint("mlflow", "register_model", 2, "after")),
    ("export", FaultPoint("vcc.pipeline.export.record", "describe_version", 1, "after")),
    ("export", FaultPoint("vcc.pipeline.export.record", "tag_version", 1, "before")),
    ("export", FaultPoint("vcc.pipeline.export.record", "set_alias", 1, "before")),
    ("export", FaultPoint("vcc.pipeline.export.record", "set_alias", 2, "after")),
    ("export", FaultPoint("vcc.pipeline.commands.export", "_keep", 1, "before")),
    ("export", FaultPoint(*COMMIT, 20, "before")),
    # Of a compressed network whose dense parent has no file yet: that comes first.
    ("export both", FaultPoint("mlflow", "register_model", 1, "after")),
    ("export both", FaultPoint("mlflow", "register_model", 2, "after")),
    ("export both", FaultPoint("mlflow", "register_model", 3, "after")),
    ("promote", FaultPoint(LOCK, "_take", 1, "after")),
    ("promote", FaultPoint(PROMOTION, "set_alias", 2, "after")),
    ("promote", FaultPoint(PROMOTION, "set_alias", 4, "after")),
    ("promote", FaultPoint(PROMOTION, "_verify", 1, "after")),
    ("promote", FaultPoint("vcc.pipeline.commands.promote", "_record", 1, "before")),
    ("rollback", FaultPoint(LOCK, "_take", 1, "after")),
    ("rollback", FaultPoint(PROMOTION, "set_alias", 1, "after")),
    ("rollback", FaultPoint(PROMOTION, "set_alias", 6, "after")),
    ("predict", FaultPoint("vcc.pipeline.commands.predict", "_write_csv", 1, "before")),
    ("predict", FaultPoint("vcc.pipeline.commands.predict", "_write_csv", 1, "after")),
    ("predict", FaultPoint("vcc.pipeline.commands.predict", "_write", 1, "after")),
    ("sensitivity", FaultPoint("vcc.pipeline.sensitivity.step", "write_text", 1, "after")),
    ("sensitivity", FaultPoint("vcc.pipeline.sensitivity.step", "write_schedule", 1, "before")),
    ("sensitivity", FaultPoint("vcc.pipeline.sensitivity.step", "save_figure", 1, "after")),
    # With the network there and not yet its settings; before and after a cell; in the report.
    ("study", FaultPoint("vcc.pipeline.study.networks", "save_checkpoint", 1, "after")),
    ("study", FaultPoint("vcc.pipeline.study.networks", "write_whole", 1, "after")),
    ("study", FaultPoint("vcc.pipeline.study.step", "write_result", 1, "after")),
    ("study", FaultPoint("vcc.pipeline.study.report", "write_whole", 1, "after")),
]
CASES = [*FIRST, *MORE]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def compressed(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return add_compressed(project.copy(tmp_path_factory.mktemp("compressed")))


@pytest.mark.parametrize(("name", "point"), CASES, ids=str)
def test_a_killed_entry_point_is_run_again(
    name: str, point: FaultPoint, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = request.getfixturevalue("compressed" if name == "promote" else "project")
    mine = made.copy(tmp_path, new_data=name in ("prepare", "study"))
    if name == "export both":
        mine.forget_exports()
        mine.must("compress")
    killed = mine.call(name, point=point)
    assert killed.code == -signal.SIGKILL, killed.printed
    check_whole(mine, settled=False)
    mine.must(name)
    check_whole(mine, settled=True)
