"""Every entry point killed by SIGKILL: nothing half-made is left, and the next run works."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from killed_project import Project, add_compressed, check_whole, make_project
from killing import KillPoint

# The first test makes the project, too.
pytestmark = pytest.mark.timeout(900)

COMMIT = ("sqlalchemy.orm:Session", "commit")
PROMOTION = "vcc.tracking.promotion"
RESULTS = "vcc.evaluation.results_tree"

# Entry point, and where it dies: an export between the two forms of a network, a rollback between
# two aliases, a training that is registered and has no alias yet, a compression whose files are
# there and not registered, an evaluation with one of its files to go.
DEFAULT = [
    ("export", KillPoint("mlflow", "register_model", 1, "after")),
    ("rollback", KillPoint(PROMOTION, "set_alias", 3, "after")),
    ("train", KillPoint("mlflow", "register_model", 1, "after")),
    ("compress", KillPoint("mlflow.pyfunc", "log_model", 1, "after")),
    ("evaluate", KillPoint(RESULTS, "write_val_json", 1, "after")),
]
MORE = [
    # Before, between and after videos; with the manifest half-written; with nothing logged yet.
    ("prepare", KillPoint("vcc.data.motion", "write_video", 30, "after")),
    ("prepare", KillPoint("vcc.data.store:ContainerWriter", "finish", 10, "before")),
    ("prepare", KillPoint("vcc.data.store:ContainerWriter", "finish", 50, "after")),
    ("prepare", KillPoint("os", "fsync", 1, "before")),
    ("prepare", KillPoint("vcc.data.prepare", "write_manifest", 1, "after")),
    ("prepare", KillPoint("mlflow", "log_input", 1, "before")),
    ("prepare", KillPoint(*COMMIT, 8, "before")),
    # In an epoch; while a checkpoint is written; around everything that registers.
    ("train", KillPoint("vcc.pipeline.train:ClassifierModule", "on_train_batch_end", 1, "after")),
    ("train", KillPoint("os", "fsync", 1, "before")),
    ("train", KillPoint("os", "fsync", 2, "after")),
    ("train", KillPoint("vcc.pipeline.train", "save_checkpoint", 1, "after")),
    ("train", KillPoint("mlflow.pyfunc", "log_model", 1, "after")),
    ("train", KillPoint("vcc.pipeline.train", "set_alias", 1, "after")),
    ("train", KillPoint(*COMMIT, 12, "before")),
    ("compress", KillPoint("vcc.pipeline.train:ClassifierModule", "on_train_batch_end", 1)),
    ("compress", KillPoint("os", "fsync", 1, "before")),
    ("compress", KillPoint("mlflow", "register_model", 1, "before")),
    ("compress", KillPoint("mlflow", "register_model", 1, "after")),
    ("compress", KillPoint("vcc.pipeline.train", "set_alias", 1, "after")),
    ("compress", KillPoint(*COMMIT, 12, "before")),
    ("evaluate", KillPoint(RESULTS, "write_val_json", 1, "before")),
    ("evaluate", KillPoint(RESULTS, "_place", 1, "before")),
    ("evaluate", KillPoint(RESULTS, "_place", 1, "after")),
    ("evaluate", KillPoint("vcc.pipeline.evaluate", "tag_version", 1, "before")),
    ("evaluate", KillPoint("vcc.pipeline.evaluate", "tag_version", 1, "after")),
    ("evaluate", KillPoint(*COMMIT, 12, "before")),
    ("export", KillPoint("mlflow.onnx", "log_model", 1, "after")),
    ("export", KillPoint("mlflow", "register_model", 2, "before")),
    ("export", KillPoint("mlflow", "register_model", 2, "after")),
    ("export", KillPoint("vcc.pipeline.exported", "describe_version", 1, "after")),
    ("export", KillPoint("vcc.pipeline.exported", "tag_version", 1, "before")),
    ("export", KillPoint("vcc.pipeline.exported", "set_alias", 1, "before")),
    ("export", KillPoint("vcc.pipeline.exported", "set_alias", 2, "after")),
    ("export", KillPoint("vcc.pipeline.commands", "_keep", 1, "before")),
    ("export", KillPoint(*COMMIT, 20, "before")),
    # Of a compressed network whose dense parent has no file yet: that comes first.
    ("export both", KillPoint("mlflow", "register_model", 1, "after")),
    ("export both", KillPoint("mlflow", "register_model", 2, "after")),
    ("export both", KillPoint("mlflow", "register_model", 3, "after")),
    ("promote", KillPoint(PROMOTION, "_take", 1, "after")),
    ("promote", KillPoint(PROMOTION, "set_alias", 2, "after")),
    ("promote", KillPoint(PROMOTION, "set_alias", 4, "after")),
    ("promote", KillPoint(PROMOTION, "_verify", 1, "after")),
    ("promote", KillPoint("vcc.pipeline.promote", "_record", 1, "before")),
    ("rollback", KillPoint(PROMOTION, "_take", 1, "after")),
    ("rollback", KillPoint(PROMOTION, "set_alias", 1, "after")),
    ("rollback", KillPoint(PROMOTION, "set_alias", 6, "after")),
    ("predict", KillPoint("vcc.pipeline.predict", "_write_csv", 1, "before")),
    ("predict", KillPoint("vcc.pipeline.predict", "_write_csv", 1, "after")),
    ("predict", KillPoint("vcc.pipeline.predict", "_write", 1, "after")),
    ("sensitivity", KillPoint("vcc.pipeline.sensitivity", "write_text", 1, "after")),
    ("sensitivity", KillPoint("vcc.pipeline.sensitivity", "write_schedule", 1, "before")),
    ("sensitivity", KillPoint("vcc.pipeline.sensitivity", "save_figure", 1, "after")),
    # With the network there and not yet its settings; before and after a cell; in the report.
    ("study", KillPoint("vcc.pipeline.study_networks", "save_checkpoint", 1, "after")),
    ("study", KillPoint("vcc.pipeline.study_networks", "write_whole", 1, "after")),
    ("study", KillPoint("vcc.pipeline.study", "write_result", 1, "after")),
    ("study", KillPoint("vcc.pipeline.study_report", "write_whole", 1, "after")),
]
CASES = [
    *DEFAULT,
    *(
        pytest.param(*case, marks=pytest.mark.slow) for case in MORE
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def compressed(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return add_compressed(project.copy(tmp_path_factory.mktemp("compressed")))


@pytest.mark.parametrize(("name", "point"), CASES, ids=str)
def test_a_killed_entry_point_is_run_again(
    name: str, point: KillPoint, tmp_path: Path, request: pytest.FixtureRequest
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
