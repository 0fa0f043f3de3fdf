"""A sensitivity analysis checks what is written first, and says the command that takes it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from vcc.config.entrypoints import SensitivityEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.pipeline.card import Network
from vcc.pipeline.commands import sensitivity as command
from vcc.pipeline.source import SourceNetwork


@pytest.fixture
def asked(
    network: Network, dataset: PreparedDataset, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Which step ran, and by what alias the network was found."""
    found: dict[str, Any] = {"runs": opened(command), "steps": []}
    source = SourceNetwork(network=network, dataset=dataset, version=None)

    def step(kind: str, ending: str) -> Any:
        def run_step(*words: Any, **more: Any) -> list[Path]:
            found["steps"].append(kind)
            return [words[2].summary_path.with_suffix(ending)]

        return run_step

    monkeypatch.setattr(command, "find_source", lambda *_, alias: found.update(a=alias) or source)
    monkeypatch.setattr(command, "sensitivity_step", step("layers", ".yaml"))
    monkeypatch.setattr(command, "clip_sensitivity_step", step("clips", ".csv"))
    return found


def test_the_next_command_takes_what_was_written(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a summary.yaml"
    command.run_sensitivity(
        SensitivityEntry(summary_path=path, group="filter", model="resnet", results=tmp_path)
    )
    assert (asked["a"], asked["steps"]) == ("baseline", ["layers"])
    assert asked["runs"][0][0].endswith("by filter")
    wrote, following = capsys.readouterr().out.splitlines()[:2]
    assert wrote == f"wrote {path.resolve()}"
    words = shlex.split(following)
    assert f"summary_path={path}" in words
    assert "summary_group=filter" in words
    assert "model=resnet" in words


def test_a_named_source_is_named_again(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.yaml"
    command.run_sensitivity(SensitivityEntry(summary_path=path, source="models:/net/1"))
    assert asked["a"] is None
    said = capsys.readouterr().out
    assert "source=models:/net/1" in said
    assert "model=" not in said


def test_clips_have_no_schedule_to_go_on_with(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.run_sensitivity(SensitivityEntry(summary_path=tmp_path / "s.yaml", group="clip"))
    assert asked["steps"] == ["clips"]
    assert capsys.readouterr().out.splitlines() == [f"wrote {(tmp_path / 's.csv').resolve()}"]


def test_what_cannot_be_is_refused_before_a_run(asked: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="summary_path: .* is a folder: name a file in it"):
        command.run_sensitivity(SensitivityEntry(summary_path=tmp_path))
    with pytest.raises(ConfigError, match="level_stop: 0.1 leaves no level from 0.5 on"):
        command.run_sensitivity(SensitivityEntry(level_start=0.5, level_stop=0.1))
    assert not asked["runs"]
