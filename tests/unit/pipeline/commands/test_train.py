"""A training registers once; what fails behind it says that nothing is lost."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import TrainEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, TrackingError
from vcc.pipeline.commands import train as command
from vcc.pipeline.registered_before import EPOCHS_TAG


@pytest.fixture
def steps(
    dataset: PreparedDataset, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    """What the command does, and what it is told."""
    made = SimpleNamespace(runs=opened(command), trained=[], registered=[], tested=[], before=None)

    def register(network: Any, *, run: Any, tags: Any) -> Any:
        made.registered.append(dict(tags))
        return SimpleNamespace(uri="models:/net/1")

    monkeypatch.setattr(command, "find_prepared", lambda *_: dataset)
    monkeypatch.setattr(
        command, "train_from_entry", lambda *_, run: made.trained.append(run) or "network"
    )
    monkeypatch.setattr(command, "epochs_trained", lambda *_: 3)
    monkeypatch.setattr(command, "registered_before", lambda *_: made.before)
    monkeypatch.setattr(command, "register_trained", register)
    monkeypatch.setattr(command, "measure_on_test", lambda *words: made.tested.append(words[1].uri))
    monkeypatch.setattr(command, "last_checkpoint", lambda results, run_id: results / "last.ckpt")
    monkeypatch.setattr(command, "find_resumption", lambda path: SimpleNamespace(run_id="r1"))
    return made


def options(folder: Path, **more: Any) -> TrainEntry:
    return TrainEntry(root_path=folder, results=folder, **more)


def test_a_network_is_registered_as_baseline_and_tested_where_asked(
    steps: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Any
) -> None:
    command.run_train(options(tmp_path, test=True))
    assert steps.registered == [{EPOCHS_TAG: "3"}]
    assert steps.tested == ["models:/net/1"]
    assert steps.trained == [run]
    said = capsys.readouterr().out
    assert "registered models:/net/1 as baseline" in said
    assert "next: mlflow run . -e compress" in said
    steps.tested.clear()
    command.run_train(options(tmp_path, test=False, resume_path=tmp_path / "last.ckpt"))
    assert not steps.tested
    assert steps.runs[-1][1]["continues"] == "r1"


def test_another_number_of_classes_is_refused_before_a_run(
    steps: SimpleNamespace, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="n_classes: 9 asked for"):
        command.run_train(options(tmp_path, n_classes=9))
    assert not steps.runs


def test_what_was_finished_before_is_not_registered_again(
    steps: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps.before = SimpleNamespace(uri="models:/net/7")
    command.run_train(options(tmp_path))
    assert not steps.registered
    assert "is models:/net/7: nothing is registered again" in capsys.readouterr().out


def test_of_several_processes_the_others_are_silent(
    steps: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent: list[Any] = []
    monkeypatch.setattr(command, "is_first_process", lambda: False)
    monkeypatch.setattr(command, "train_silently", lambda *words: silent.append(words))
    command.run_train(options(tmp_path))
    assert len(silent) == 1
    assert not steps.trained
    assert not steps.runs
    assert not steps.registered


@pytest.mark.parametrize("kept", [True, False])
def test_a_server_that_goes_away_loses_no_training(
    steps: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    def away(*_: Any, **__: Any) -> None:
        msg = "the server went away"
        raise TrackingError(msg)

    monkeypatch.setattr(command, "register_trained", away)
    if kept:
        (tmp_path / "last.ckpt").touch()
    message = "; nothing is lost: repeat the command with resume_path=.*last.ckpt" if kept else "$"
    with pytest.raises(TrackingError, match=f"^the server went away{message}"):
        command.run_train(options(tmp_path))


def test_folds_are_cross_validated_instead(
    steps: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    monkeypatch.setattr(command, "cross_validate", lambda *_, n_folds: f"{n_folds} folds")
    monkeypatch.setattr(command, "say_result", lambda *words, **more: said.append((words, more)))
    command.run_train(options(tmp_path, folds=3))
    assert said[0][0] == ("3 folds",)
    assert not steps.trained
