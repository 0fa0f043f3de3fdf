"""Real trainings by their entry point: killed and resumed, and by several processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from limits import HANG_S, LONG_TEST_S
from mlflow.entities import Run

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {
    "model": "mobilenetv2",
    "width_mult": "0.125",
    "sample_size": "32",
    "sample_duration": "4",
    "batch_size": "8",
    "n_threads": "0",
    "n_epochs": "6",
    "checkpoint": "1",
    "mean_dataset": "data",
    "std_norm": "true",
    "no_cuda": "true",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONG_TEST_S)]


class Project:
    """A folder with prepared data, runs and results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = f"sqlite:///{folder / 'mlflow.db'}"

    def start(self, *program: str, **options: str) -> subprocess.Popen[str]:
        places = {"root_path": str(self.folder / "data"), "results": str(self.folder / "results")}
        given = {**places, **options}
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        return subprocess.Popen(
            [sys.executable, "-m", *program, *words],
            cwd=ROOT,
            env={
                **os.environ,
                "MLFLOW_TRACKING_URI": self.uri,
                "OMP_NUM_THREADS": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def call(self, *program: str, **options: str) -> str:
        process = self.start(*program, **options)
        printed, _ = process.communicate(timeout=HANG_S)
        assert process.returncode == 0, printed
        return printed

    def trainings(self) -> list[Run]:
        """Return the runs of `train`, the newest first."""
        runs = mlflow.MlflowClient(self.uri).search_runs(["0"])
        return [run for run in runs if run.data.tags["step"] == "train"]

    def history(self, run: Run) -> dict[tuple[str, int], float]:
        client = mlflow.MlflowClient(self.uri)
        names = ("train_loss", "dev_loss", "dev_video_top1", "learning_rate")
        return {
            (name, each.step): each.value
            for name in names
            for each in client.get_metric_history(run.info.run_id, name)
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("interrupted"))
    small = {"motion_classes": "3", "motion_clips": "1", "short_side": "36", "n_jobs": "1"}
    process = made.start("entrypoints.prepare", **small)
    printed, _ = process.communicate(timeout=HANG_S)
    assert process.returncode == 0, printed
    return made


def test_a_killed_training_goes_on_in_the_same_run(project: Project) -> None:
    project.call("entrypoints.train", **OPTIONS)
    (whole,) = project.trainings()
    process = project.start("entrypoints.train", **OPTIONS)
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch 3/6" in line:
            process.send_signal(signal.SIGKILL)
            break
    process.wait(HANG_S)
    killed = project.trainings()[0]
    assert killed.info.status == "RUNNING"
    last = project.folder / "results" / "checkpoints" / killed.info.run_id / "last.ckpt"
    project.call("entrypoints.train", **OPTIONS, resume_path=str(last))
    assert len(project.trainings()) == 2
    resumed = project.trainings()[0]
    assert (resumed.info.run_id, resumed.info.status) == (killed.info.run_id, "FINISHED")
    assert project.history(resumed) == project.history(whole)
    assert len(project.history(whole)) == 4 * 6


def test_one_of_several_processes_speaks(project: Project) -> None:
    before = len(project.trainings())
    options = {**OPTIONS, "n_epochs": "2", "batch_size": "4"}
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    for program, more in (
        ((*launcher, "entrypoints.train"), {}),
        (("entrypoints.train",), {"devices": "2"}),
    ):
        printed = project.call(*program, **options, **more)
        assert len(re.findall("^epoch 2/2", printed, re.MULTILINE)) == 1
        assert printed.count("registered models:/") == 1
        before += 1
        assert len(project.trainings()) == before
        assert project.trainings()[0].info.status == "FINISHED"
