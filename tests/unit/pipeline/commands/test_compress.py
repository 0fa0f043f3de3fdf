"""A compression is registered once, from the baseline that it began with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import CompressEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.commands import compress as command
from vcc.pipeline.registered_before import EPOCHS_TAG
from vcc.pipeline.source import SourceNetwork


class Steps(SimpleNamespace):
    """What the command asks of others, and what it is told."""

    def __init__(self, network: Network, dataset: PreparedDataset, patch: Any) -> None:
        super().__init__(sources=[], registered=[], before=None, resume=None, resumed=[])
        source = SourceNetwork(network=network, dataset=dataset, version=None)

        def find_source(options: Any, *, alias: str | None) -> SourceNetwork:
            self.sources.append((options.source, alias))
            return source

        def register(*, run: Any, tags: Any) -> Any:
            self.registered.append(dict(tags))
            return SimpleNamespace(uri="models:/net/2")

        made = SimpleNamespace(register=register, lines=lambda: ["parameters 9 -> 4"])
        recipe = SimpleNamespace(schedule=Path("schedules/agp.yaml"))
        patch.setattr(command, "find_source", find_source)
        patch.setattr(command, "recipe_from_entry", lambda *_, **__: recipe)
        patch.setattr(command, "compress", lambda *_, **words: self.resumed.append(words) or made)
        patch.setattr(command, "epochs_trained", lambda *_: 7)
        patch.setattr(command, "registered_before", lambda *_: self.before)
        patch.setattr(command, "find_resumption", lambda path: self.resume)
        patch.setattr(command, "plan_checkpoints", lambda *_, **__: SimpleNamespace(folder=Path()))
        patch.setattr(command, "parent_of", lambda resume: "models:/net/1")


@pytest.fixture
def steps(network: Network, dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(network, dataset, monkeypatch)


def options(folder: Path, **more: Any) -> CompressEntry:
    return CompressEntry(root_path=folder, results=folder / "results", **more)


def test_what_came_out_is_registered_as_challenger(
    steps: Steps, opened: Any, run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = opened(command)
    command.run_compress(options(tmp_path))
    assert steps.sources == [(None, "baseline")]
    assert steps.registered == [{EPOCHS_TAG: "7"}]
    ((name, words),) = runs
    assert name.endswith("by agp")
    assert words["continues"] is None
    assert run.tags["dataset"] == "seen"
    said = capsys.readouterr().out
    assert "parameters 9 -> 4\n" in said
    assert "registered models:/net/2 as challenger\n" in said


def test_a_source_that_was_named_needs_no_alias(steps: Steps, opened: Any, tmp_path: Path) -> None:
    opened(command)
    command.run_compress(options(tmp_path, source="models:/net/5"))
    assert steps.sources == [("models:/net/5", None)]


def test_what_goes_on_goes_on_from_the_parent_that_it_had(
    steps: Steps, opened: Any, tmp_path: Path
) -> None:
    steps.resume = SimpleNamespace(run_id="r1")
    runs = opened(command)
    command.run_compress(options(tmp_path, resume_path=tmp_path / "last.ckpt"))
    assert steps.sources == [("models:/net/1", None)]
    assert runs[0][1]["continues"] == "r1"
    assert steps.resumed[0]["checkpoints"] is not None


def test_what_was_finished_before_is_not_registered_again(
    steps: Steps, opened: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps.before = SimpleNamespace(uri="models:/net/3")
    opened(command)
    command.run_compress(options(tmp_path))
    assert not steps.registered
    assert "is models:/net/3: nothing is registered again" in capsys.readouterr().out
