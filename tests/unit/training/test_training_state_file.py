"""The file that a training resumes from: whole or not at all, and never unpickled."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from vcc.errors import TrainingError
from vcc.training.state_file import read_state, write_state

STATE: dict[str, Any] = {
    "state_dict": {"weight": torch.arange(3.0)},
    "loops": {"epoch": 1},
    "callbacks": {"Best": {"figure": [0.5, -1.0], "weights": None}},
}


class Harmful:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harmed"),))


def test_it_comes_back_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "last.ckpt"
    path.parent.mkdir()
    (path.parent / ".last.ckpt.half").write_bytes(b"left by a killed process")
    write_state(path, {**STATE, "epoch": 1})
    write_state(path, {**STATE, "epoch": 2})
    state = read_state(path)
    assert state["epoch"] == 2
    assert state["callbacks"] == STATE["callbacks"]
    assert torch.equal(state["state_dict"]["weight"], torch.arange(3.0))
    assert [each.name for each in path.parent.iterdir()] == ["last.ckpt"]


def test_nothing_unknown_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({**STATE, "harmful": Harmful()}, "torch.ckpt")
    with pytest.raises(TrainingError, match="not loaded for safety"):
        read_state(tmp_path / "torch.ckpt")
    # Not even torch's own format: it is not looked into at all.
    Path("plain.ckpt").write_bytes(pickle.dumps({**STATE, "harmful": Harmful()}))
    with pytest.raises(TrainingError, match="damaged"):
        read_state(tmp_path / "plain.ckpt")
    assert not Path("harmed").exists()


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no such checkpoint"):
        read_state(tmp_path / "none.ckpt")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pth")
    with pytest.raises(TrainingError, match="weights alone are for pretrain_path"):
        read_state(tmp_path / "weights.pth")
    whole = tmp_path / "whole.ckpt"
    write_state(whole, STATE)
    for size in (0, 10, whole.stat().st_size // 2):
        (tmp_path / "cut.ckpt").write_bytes(whole.read_bytes()[:size])
        with pytest.raises(TrainingError, match=r"cut\.ckpt: (the checkpoint is damaged|holds)"):
            read_state(tmp_path / "cut.ckpt")
