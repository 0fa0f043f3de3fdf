"""How long a study will take."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.data import ClipOptions
from vcc.config.training import TrainingOptions
from vcc.config.yaml_files.study_matrix import DENSE, Cell
from vcc.pipeline.pace import Calibration
from vcc.pipeline.study import estimate
from vcc.pipeline.study.estimate import calibrate, cell_seconds, corrected

CLIP = ClipOptions(sample_duration=4, sample_size=16, n_val_samples=1)
PACE = {"a": Calibration(train_s=1.0, classify_s=0.1)}


def matrix(clip: ClipOptions = CLIP, **method: Any) -> Any:
    recipe = SimpleNamespace(
        clip=clip, training=TrainingOptions(n_epochs=10), network=SimpleNamespace(model="resnet")
    )
    methods = {"pruned": SimpleNamespace(**{"n_epochs": 5, **method})}
    return SimpleNamespace(models={"a": recipe}, methods=methods)


def dataset() -> Any:
    # Two clips of a test video, three of a dev video.
    videos = {"train": [20] * 3, "dev": [12] * 2, "test": [8] * 5}
    return SimpleNamespace(
        videos=lambda subset: [SimpleNamespace(n_frames=count) for count in videos[subset]]
    )


def test_only_models_that_are_left_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "calibrate_network", lambda *_, **__: PACE["a"])
    two: Any = SimpleNamespace(models=dict.fromkeys(("a", "b"), matrix().models["a"]))
    data: Any = SimpleNamespace(labels=("x", "y"))
    assert calibrate(two, data, {"b"}) == {"b": PACE["a"]}


def seconds(method: str, made: Any) -> float:
    return cell_seconds(Cell("s1", "a", method), made, dataset(), PACE)


def test_a_dense_cell_is_its_epochs_and_one_file() -> None:
    epoch_s = 3 * 1.0 + 2 * 0.1
    assert seconds(DENSE, matrix()) == pytest.approx(10 * epoch_s + 10 * 0.1 + 20)
    assert seconds("pruned", matrix()) == pytest.approx(5 * epoch_s + 2 * (10 * 0.1 + 20))


@pytest.mark.parametrize(("n_val_samples", "dev_clips"), [(0, 6), (2, 4), (3, 6), (9, 6)])
def test_dev_videos_count_with_the_clips_that_they_have(n_val_samples: int, dev_clips: int) -> None:
    clip = dataclasses.replace(CLIP, n_val_samples=n_val_samples)
    expected = 10 * (3 * 1.0 + dev_clips * 0.1) + 10 * 0.1 + 20
    assert seconds(DENSE, matrix(clip)) == pytest.approx(expected)


def test_a_method_without_epochs_has_its_schedule_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "schedule_of", lambda *_: "x.yaml")
    monkeypatch.setattr(estimate, "load_schedule", lambda path: path)
    monkeypatch.setattr(estimate, "last_epoch", lambda _: 2)
    epoch_s = 3 * 1.0 + 2 * 0.1
    assert seconds("pruned", matrix(n_epochs=None)) == pytest.approx(2 * epoch_s + 2 * 21)


DENSE_1, DENSE_2, PRUNED_1, PRUNED_2 = (
    Cell(repeat, "a", method) for method in ("dense", "pruned") for repeat in ("s1", "s2")
)
ESTIMATES = {DENSE_1: 10.0, DENSE_2: 10.0, PRUNED_1: 20.0, PRUNED_2: 20.0}


@pytest.mark.parametrize(
    ("measured", "todo", "expected"),
    [
        ({}, [DENSE_1, PRUNED_1], 30.0),
        # The same method of another seed tells, before others do.
        ({DENSE_1: 5.0, PRUNED_1: 60.0}, [DENSE_2, PRUNED_2], 5.0 + 60.0),
        ({DENSE_1: 5.0}, [PRUNED_1], 10.0),
        ({DENSE_1: 5.0}, [], 0.0),
    ],
)
def test_what_is_done_corrects_what_is_left(
    measured: dict[Cell, float], todo: list[Cell], expected: float
) -> None:
    assert corrected(ESTIMATES, measured, todo) == pytest.approx(expected)


def test_an_estimate_of_nothing_corrects_nothing() -> None:
    assert corrected({DENSE_1: 0.0, DENSE_2: 4.0}, {DENSE_1: 3.0}, [DENSE_2]) == 4.0
