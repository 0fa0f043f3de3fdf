"""Parameters that are of no layer, and that thinning cut: `arch.json` keeps their shapes.

{"block.gamma": [5, 1, 1, 1]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from vcc.errors import ModelError, nearest
from vcc.models.architecture import Section, register_section

_CUT = "thinned_parameters"


def remember_shapes(model: nn.Module, names: Iterable[str]) -> None:
    """Note that parameters have other shapes from now on than the network is built with."""
    if found := {*getattr(model, _CUT, ()), *names}:
        setattr(model, _CUT, tuple(sorted(found)))


def describe_parameters(model: nn.Module) -> dict[str, Any] | None:
    """Return the shapes of parameters that were cut, by name; None where there are none."""
    names = getattr(model, _CUT, ())
    return {name: list(model.get_parameter(name).shape) for name in names} or None


def rebuild_parameters(model: nn.Module, shapes: Mapping[str, Any]) -> None:
    """Give parameters of a network on the meta device the shapes that they were cut to.

    Raises:
        ModelError: the network has no such parameter, or it cannot have been cut to that.
    """
    built = dict(model.named_parameters())
    for name, shape in shapes.items():
        if name not in built:
            msg = f"parameter {name!r} is not in the network: {nearest(name, built)}"
            raise ModelError(msg)
        old = built[name]
        if not _fits(shape, old.shape):
            msg = f"parameter {name!r}: {shape!r} is no part of its {list(old.shape)}"
            raise ModelError(msg)
        layer, _, own = name.rpartition(".")
        new = nn.Parameter(torch.empty(shape, dtype=old.dtype, device="meta"), old.requires_grad)
        setattr(model.get_submodule(layer), own, new)
    remember_shapes(model, shapes)


def _fits(shape: Any, built: torch.Size) -> bool:
    if not isinstance(shape, list) or len(shape) != len(built):
        return False
    return all(type(n) is int and 1 <= n <= most for n, most in zip(shape, built, strict=True))


register_section(Section("parameters", describe_parameters, rebuild_parameters))
