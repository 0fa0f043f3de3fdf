"""torch.compile, refused in one line where there is none."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from precision_toys import with_a_fault
from torch import nn

from vcc.errors import ConfigError
from vcc.training.compilation import compile_network


def test_compile_without_a_compiler_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*_: Any, **__: Any) -> Any:
        raise RuntimeError("No working C++ compiler found\nlong story")  # noqa: EM101

    monkeypatch.setattr(torch, "compile", no_compiler)
    with pytest.raises(ConfigError, match=r"^compile: .*No working C\+\+ compiler found: leave"):
        compile_network(with_a_fault(), torch.device("cpu"))


@pytest.mark.parametrize(("device", "needed"), [("cpu", r"a C\+\+ compiler"), ("cuda", "Triton")])
def test_the_message_names_what_the_device_needs(
    monkeypatch: pytest.MonkeyPatch, device: str, needed: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(torch, "compile", fail)
    # An error without words is named by its class.
    with pytest.raises(ConfigError, match=f"needs {needed}.* and failed: .*: leave compile out"):
        compile_network(nn.Linear(1, 1), torch.device(device))


def test_a_network_keeps_the_names_of_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(torch, "compile", lambda step: asked.append(step) or step)
    monkeypatch.setattr(nn.Module, "compile", lambda self: asked.append(self))
    network = nn.Linear(1, 1)
    compile_network(network, torch.device("cpu"))
    assert asked[-1] is network
    assert list(network.state_dict()) == ["weight", "bias"]
