"""A registered network is measured, and figures of videos that it saw stay off its version."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import EvaluateEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.commands import evaluate as command
from vcc.pipeline.source import SourceNetwork

METRICS = {"test_videos": 2.0, "clip_top1": 0.5, "video_top1": 0.75, "video_top5": 1.0}


@pytest.fixture
def asked(
    network: Network, dataset: PreparedDataset, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """What `evaluate_step` is given; `seen` says whether the network saw the test videos."""
    found: dict[str, Any] = {"seen": False}
    version = SimpleNamespace(uri="models:/net/1", name="net", number=1, aliases=())
    source = SourceNetwork(network=network, dataset=dataset, version=version)  # type: ignore[arg-type]

    def step(*words: Any, **more: Any) -> dict[str, float]:
        found.update(more)
        return METRICS

    found["runs"] = opened(command)
    monkeypatch.setattr(command, "find_source", lambda *_, **words: found.update(words) or source)
    monkeypatch.setattr(command, "check_unseen", lambda *_, **__: found["seen"])
    monkeypatch.setattr(command, "fetch_parent", lambda card: None)
    monkeypatch.setattr(command, "evaluate_step", step)
    return found


def options(folder: Path, **more: Any) -> EvaluateEntry:
    return EvaluateEntry(root_path=folder, results=folder, no_cuda=True, **more)


def test_the_version_gets_its_figures_and_people_the_accuracy(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Any
) -> None:
    command.run_evaluate(options(tmp_path, no_softmax_in_test=True))
    assert asked["version"].uri == "models:/net/1"
    assert asked["score"].keywords["softmax"] is False
    assert asked["dense"] is None
    assert "forced_split" not in run.tags
    said = capsys.readouterr().out
    assert "clip top-1  50.0%" in said
    assert "video top-1 75.0%" in said
    assert "largest class alone 50.0%" in said


def test_changed_videos_are_scored_where_that_is_asked_for(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    given: dict[str, Any] = {}

    def robustness(*_: Any, **words: Any) -> list[list[str]]:
        given.update(words)
        return [["network", "test videos"], ["dense", "mirrored"]]

    monkeypatch.setattr(command, "robustness_step", robustness)
    command.run_evaluate(options(tmp_path))
    assert not given
    command.run_evaluate(options(tmp_path, robustness=("mirrored",)))
    assert given["names"] == ("mirrored",)
    assert given["score"].keywords["no_cuda"] is True
    assert "dataset" not in given["score"].keywords
    assert ["dense", "mirrored"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_forced_figures_are_marked_and_no_version_s(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Any
) -> None:
    asked["seen"] = True
    command.run_evaluate(options(tmp_path, force_split=True))
    assert asked["force_split"] is True
    assert asked["version"] is None
    assert run.tags["forced_split"].startswith("trained on ")
    assert capsys.readouterr().out.startswith("forced: trained on ")
