"""The quickest recipe of docs/training.md learns the built-in data, entry point by entry point."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from commands import run_command
from limits import LONG_HANG_S, LONG_TEST_S

ROOT = Path(__file__).resolve().parents[2]
DATA = {
    "motion_classes": "6",
    "motion_clips": "24",
    "motion_frames": "16",
    "motion_width": "64",
    "motion_height": "48",
    "motion_difficulty": "0.25",
    "short_side": "48",
}
RECIPE = {
    "model": "resnet",
    "model_depth": "18",
    "sample_size": "40",
    "sample_duration": "8",
    "mean_dataset": "data",
    "std_norm": "true",
    "batch_size": "16",
    "n_val_samples": "1",
    "n_epochs": "3",
    "optimizer": "adamw",
    "learning_rate": "0.001",
    "lr_scheduler": "onecycle",
    "weight_decay": "0.01",
    "train_precision": "bf16",
    "no_cuda": "true",
}


@pytest.mark.slow
@pytest.mark.timeout(LONG_TEST_S)
def test_resnet18_learns_the_built_in_data(tmp_path: Path) -> None:
    def call(entry_point: str, **options: str) -> str:
        given = {"root_path": str(tmp_path / "data"), "dataset": "built_in", **options}
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        done = run_command(
            [sys.executable, "-m", f"entrypoints.{entry_point}", *words],
            cwd=ROOT,
            env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}"},
            limit_s=LONG_HANG_S,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    call("prepare", **DATA)
    call("train", results=str(tmp_path / "results"), **RECIPE)
    said = call("evaluate", results=str(tmp_path / "results"), model="resnet")
    accuracy = re.search(r"video top-1 +([\d.]+)%", said)
    assert accuracy is not None, said
    assert float(accuracy[1]) >= 85, said
