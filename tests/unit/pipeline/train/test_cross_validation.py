"""Cross-validation and the choice of precision, through the pipeline, on a few tiny videos."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from data_videos import prepare_tree, write_tree

from vcc.config.entrypoints import TrainEntry
from vcc.config.options import Options
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.pipeline.train import cross_validation
from vcc.pipeline.train.cross_validation import cross_validate

OPTIONS: dict[str, Any] = {
    "model_depth": 10,
    "width_mult": 0.0625,
    "sample_size": 16,
    "sample_duration": 4,
    "batch_size": 8,
    "n_threads": 0,
    "no_cuda": True,
    "learning_rate": 0.01,
    "train_precision": "auto",
}


class Recorded:
    """A run that keeps what is logged to it."""

    run_id = "none"

    def __init__(self, name: str, step: str) -> None:
        self.name, self.step = name, step
        self.metrics: dict[str, float] = {}
        self.tags: dict[str, str] = {}
        self.artifacts: dict[str, Any] = {}

    def log_metrics(self, metrics: Mapping[str, float], **_: Any) -> None:
        self.metrics.update(metrics)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags.update(tags)

    def log_text(self, text: str, name: str) -> None:
        self.artifacts[name] = text

    def log_dict(self, content: Mapping[str, Any], name: str) -> None:
        self.artifacts[name] = content

    def log_dataset(self, **_: Any) -> None:
        """Nothing is asked about it."""

    def describe(self, text: str) -> None:
        self.artifacts["description"] = text

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    root = tmp_path_factory.mktemp("cross_validation")
    write_tree(root / "videos", groups=range(1, 13))
    return prepare_tree(root)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    opened: list[Recorded] = []

    @contextlib.contextmanager
    def open_run(name: str, *, step: str, options: Options) -> Iterator[Recorded]:
        assert options.as_dict()
        opened.append(Recorded(name, step))
        yield opened[-1]

    monkeypatch.setattr(cross_validation, "open_run", open_run)
    return opened


def test_a_parent_has_the_interval_and_a_child_per_fold_its_figures(
    dataset: PreparedDataset, runs: list[Recorded]
) -> None:
    result = cross_validate(TrainEntry(**OPTIONS), dataset, n_folds=2)
    parent, *children = runs
    assert [run.name for run in children] == ["fold 1", "fold 2"]
    assert parent.metrics["test_videos"] == len(dataset.manifest.videos) == 24
    assert sum(run.metrics["test_videos"] for run in children) == 24
    mean = sum(run.metrics["video_top1"] for run in children) / 2
    assert parent.metrics["video_top1"] == pytest.approx(mean)
    assert parent.metrics["largest_class_top1"] == pytest.approx(0.5)
    # All videos are of one size, so it says what the largest class says.
    assert parent.metrics["resolution_top1"] == parent.metrics["largest_class_top1"]
    assert len(parent.artifacts["cross_validation.csv"].splitlines()) == 25
    assert result.sentences()[0] in parent.artifacts["description"]
    for run in children:
        chosen = run.artifacts["precision.json"]
        assert run.tags["precision"].startswith(chosen["chosen"]["number"])
        tried = {each["number"] for each in chosen["candidates"]}
        # What a processor only emulates, or what there was no time for, is said instead.
        assert tried == {"fp32", "bf16"} or (tried == {"fp32"} and chosen["notes"])


def test_what_a_cross_validation_cannot_do_is_refused(
    dataset: PreparedDataset, runs: list[Recorded]
) -> None:
    with pytest.raises(ConfigError, match="resume_path: a cross-validation is not resumed"):
        cross_validate(TrainEntry(**OPTIONS, resume_path=Path("x")), dataset, n_folds=2)
    with pytest.raises(ConfigError, match="a cross-validation are one process"):
        cross_validate(TrainEntry(**OPTIONS, devices=2), dataset, n_folds=2)
    assert not runs
