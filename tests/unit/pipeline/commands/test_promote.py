"""Promotion and rollback: what is measured, what moves, and what is written on the versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import PromoteEntry
from vcc.errors import GateError
from vcc.pipeline.commands import promote as command
from vcc.pipeline.promote.verdict import ARTIFACT
from vcc.tracking.promotion import Move
from vcc.tracking.registry import Version


def version(number: int, **tags: str) -> Version:
    return Version(name="vcc-net-toy", number=number, model_id=None, created_ms=0, tags=tags)


@pytest.fixture
def world(opened: Any, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The registry as the command sees it, and what it does to it."""
    made = SimpleNamespace(
        runs=opened(command),
        asked=[],
        target=version(2, export_id="e2"),
        champion=version(1, export_id="e1"),
        whole=True,
        judged=[],
        tags={},
        undone=[],
    )
    move = Move(
        champion=("models:/vcc-net-toy-video/2",), previous=("models:/vcc-net-toy-video/1",)
    )

    def version_by(name: str, alias: str) -> Version:
        made.asked.append((name, alias))
        return made.target

    def make_champion(
        target: Version, *, instead_of: Version | None, record: Callable[[Move], None]
    ) -> Move:
        made.moved = (target, instead_of)
        record(move)
        return move

    def judge(*words: Any, run: Any) -> dict[str, Any]:
        made.judged.append(words[2].uri)
        return {
            "gate": {"digest": "g"},
            "figures": {"candidate": {"video_top1": 0.5}},
            "misses": [],
        }

    monkeypatch.setattr(command, "undo_killed", made.undone.append)
    monkeypatch.setattr(command, "only_name_with", lambda alias, option: f"vcc-{alias}-toy")
    monkeypatch.setattr(command, "version_by", version_by)
    monkeypatch.setattr(command, "holder_of", lambda *_: made.champion)
    monkeypatch.setattr(command, "is_whole", lambda target: made.whole)
    monkeypatch.setattr(command, "check_forms", lambda target: None)
    monkeypatch.setattr(command, "judge", judge)
    monkeypatch.setattr(command, "make_champion", make_champion)
    monkeypatch.setattr(command, "tag_all", lambda target, tags: made.tags.update(tags))
    return made


def options(folder: Path, **more: Any) -> PromoteEntry:
    return PromoteEntry(results=folder, **more)


def test_the_challenger_is_judged_and_what_moved_is_recorded(
    world: SimpleNamespace, run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.run_promote(options(tmp_path))
    assert world.asked == [("vcc-challenger-toy", "challenger")]
    assert world.undone == ["vcc-challenger-toy"]
    assert world.judged == ["models:/vcc-net-toy/2"]
    assert world.moved == (world.target, world.champion)
    record = run.dicts[ARTIFACT]
    assert record["champion_before"] == "models:/vcc-net-toy/1"
    assert record["why"] == "passed the gate"
    assert world.tags["gate"] == "passed"
    assert world.tags["gate.candidate.video_top1"] == "0.5"
    assert world.tags["promoted_instead_of"] == "models:/vcc-net-toy/1"
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [
        "champion: models:/vcc-net-toy-video/2",
        "previous: models:/vcc-net-toy-video/1",
    ]
    assert "models serve -m models:/vcc-net-toy-video@champion" in said[2]


def test_a_rollback_needs_no_gate(world: SimpleNamespace, run: Any, tmp_path: Path) -> None:
    command.run_promote(options(tmp_path, name="vcc-net-toy-video", rollback=True, reason="worse"))
    assert world.asked == [("vcc-net-toy", "previous")]
    assert not world.judged
    assert run.dicts[ARTIFACT]["why"] == "worse"
    assert run.tags["description"].endswith("from models:/vcc-net-toy/1: worse.") or (
        "worse" in run.tags["description"]
    )
    assert "gate" not in world.tags
    assert world.runs[0][0] == "roll back vcc-net-toy"


@pytest.mark.parametrize("whole", [True, False])
def test_a_champion_stays_unless_a_form_of_it_lags(
    world: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, whole: bool
) -> None:
    world.target = version(2, export_id="e1")
    world.whole = whole
    command.run_promote(options(tmp_path, version="2", name="vcc-net-toy"))
    assert world.asked == [("vcc-net-toy", "2")]
    said = capsys.readouterr().out
    assert ("is champion already: nothing changed" in said) == whole
    assert hasattr(world, "moved") != whole


def test_a_miss_moves_nothing(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def miss(*_: Any, **__: Any) -> None:
        msg = "misses the gate"
        raise GateError(msg)

    monkeypatch.setattr(command, "judge", miss)
    with pytest.raises(GateError, match="misses"):
        command.run_promote(options(tmp_path))
    assert not hasattr(world, "moved")
    assert not world.tags
