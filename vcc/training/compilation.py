"""`compile=true`: torch.compile, refused in one line where there is no compiler to do it."""

from __future__ import annotations

import torch
from torch import nn

from vcc.errors import ConfigError


def compile_network(classifier: nn.Module, device: torch.device) -> None:
    """Compile a network in place; the names of its weights stay.

    Raises:
        ConfigError: torch.compile does not work on this machine.
    """
    try:
        # The network's own first step would fail in the middle of a training instead.
        torch.compile(_probe)(torch.ones(8, device=device))
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        needed = "Triton" if device.type == "cuda" else "a C++ compiler (g++)"
        msg = f"compile: torch.compile needs {needed} and failed: {reason}: leave compile out"
        raise ConfigError(msg) from error
    classifier.compile()


def _probe(x: torch.Tensor) -> torch.Tensor:
    return (x * x + 1).relu()
