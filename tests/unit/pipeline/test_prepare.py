"""The prepare step: paths below the root, the data as the run's input, counts and pictures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.data import PrepareOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline import prepare as module


@pytest.fixture
def given(dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch) -> list[PrepareOptions]:
    """The options that the videos are prepared by; they are prepared already."""
    found: list[PrepareOptions] = []
    report = SimpleNamespace(lines=lambda: ["2 videos", "0 bad"], root=dataset.root)
    monkeypatch.setattr(module, "prepare", lambda options: found.append(options) or report)
    return found


def test_what_came_of_it_is_in_the_run(
    given: list[PrepareOptions], dataset: PreparedDataset, run: Any, tmp_path: Path
) -> None:
    made = module.prepare_step(PrepareOptions(root_path=tmp_path), run)
    assert made.digest == dataset.digest
    assert run.texts["prepare_report.txt"] == "2 videos\n0 bad\n"
    assert run.metrics == {
        f"videos_{subset}": [len(dataset.videos(subset))] for subset in ("train", "dev", "test")
    }
    assert run.files == ["class_balance.png", "contact_sheet.png"]
    assert run.tags["dataset"] == "seen"
    assert run.tags["split"] == str(dataset.split)
    assert dataset.name in run.tags["description"]


def test_paths_may_be_below_the_root_as_the_thesis_gives_them(
    given: list[PrepareOptions], run: Any, tmp_path: Path
) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "a.json").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for videos, annotation in ((Path("videos"), Path("a.json")), (elsewhere, Path("missing.json"))):
        module.prepare_step(
            PrepareOptions(root_path=tmp_path, videos=videos, annotation=annotation), run
        )
    assert [(each.videos, each.annotation) for each in given] == [
        (tmp_path / "videos", tmp_path / "a.json"),
        # What is there is taken as it is; what is nowhere is the next step's to refuse.
        (elsewhere, Path("missing.json")),
    ]
