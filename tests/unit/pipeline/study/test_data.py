"""A study's videos: prepared once, and in other subsets for each of its splits or folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vcc.config.yaml_files.study_matrix import DENSE, Cell
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.study import data as module
from vcc.pipeline.study.data import StudyData, study_data


@pytest.fixture
def data_of(
    dataset: PreparedDataset, tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Return the data of a study that repeats what is said, on videos that are there."""
    monkeypatch.setattr(module, "prepare_step", lambda options, run: dataset)

    def made(repeats: str) -> StudyData:
        path = tmp_path / "m.yaml"
        videos = dataset.root / "videos"
        data = f"data: {{videos: {videos}, dev_share: 0.2}}"
        path.write_text(f"{data}\n{repeats}\nmodels: {{a: {{}}}}\n")
        return study_data(read_matrix(path), tmp_path, run)

    return made


def groups(dataset: PreparedDataset, subset: str) -> set[str]:
    return {record.group for record in dataset.videos(subset)}


def test_every_split_tests_other_groups_of_the_same_videos(
    data_of: Any, dataset: PreparedDataset
) -> None:
    data = data_of("splits: [1, 3]")
    first, third = (data.of(Cell(f"split{number}", "a", DENSE)) for number in (1, 3))
    assert [first.split, third.split] == ["split1", "split3"]
    assert not groups(first, "test") & groups(third, "test")
    assert len(first.videos("test")) == len(third.videos("test")) == 14
    for part in (first, third):
        dev = groups(part, "dev")
        assert dev
        assert not dev & (groups(part, "train") | groups(part, "test"))
        assert part.root == dataset.root
    assert len(data.parts) == 2


def test_seeds_share_all_and_folds_test_every_video_once(
    data_of: Any, dataset: PreparedDataset
) -> None:
    data = data_of("seeds: [5]")
    assert data.of(Cell("s5", "a", DENSE)) is dataset
    folds = data_of("folds: 2")
    tested = [len(folds.of(Cell(f"f{number}", "a", DENSE)).videos("test")) for number in (1, 2)]
    assert sum(tested) == len(dataset.manifest.videos)
