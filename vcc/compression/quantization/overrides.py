"""Bits of every module: defaults, and overrides by pattern in file order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

WITH_WEIGHTS = (nn.Conv2d, nn.Conv3d, nn.Linear, nn.Embedding)
_SHORT = {"acts": "bits_activations", "wts": "bits_weights", "bias": "bits_bias"}


@dataclass(frozen=True)
class Bits:
    """What one module is quantized to; None leaves it in float.

    Args:
        activations: bits of its activation.
        weights: bits of its weight; None for modules without one that is quantized.
        bias: bits of its bias.
        extra: further settings of an override.
    """

    activations: int | None
    weights: int | None
    bias: int | None
    extra: Mapping[str, Any] = field(default_factory=dict)


def resolve_bits(
    model: nn.Module, defaults: Bits, overrides: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, Bits]:
    """Return module name -> bits.

    A pattern must match a module's whole name, without the first `module.` in it. The first
    pattern in order wins, except that a key equal to the name beats patterns before it.

    Args:
        model: whose modules.
        defaults: bits where no override says otherwise.
        overrides: pattern -> settings.

    Raises:
        ValueError: a pattern or a setting is wrong.
    """
    patterns = {key: compile_pattern(key, value) for key, value in (overrides or {}).items()}
    found = {}
    for name, module in model.named_modules():
        plain = name.replace("module.", "", 1)
        key = plain if plain in patterns else None
        if key is None:
            key = next((k for k, pattern in patterns.items() if pattern.fullmatch(plain)), None)
        settings = dict((overrides or {})[key]) if key is not None else {}
        found[name] = _bits_of(module, defaults, settings)
    return found


def unmatched_patterns(model: nn.Module, overrides: Mapping[str, Any] | None) -> list[str]:
    """Return the override patterns that match no module of a network."""
    names = [name.replace("module.", "", 1) for name, _ in model.named_modules()]
    return [
        key
        for key, settings in (overrides or {}).items()
        if not any(compile_pattern(key, settings).fullmatch(name) for name in names)
    ]


def compile_pattern(key: str, settings: Any) -> re.Pattern[str]:
    """Return an override's pattern.

    Raises:
        ValueError: it is no regular expression, or its settings are no mapping or use short names.
    """
    if not isinstance(settings, Mapping):
        msg = f"{key}: must be a mapping of settings"
        raise ValueError(msg)
    for short, full in _SHORT.items():
        if short in settings:
            msg = f"{key}.{short}: is called {full} here"
            raise ValueError(msg)
    try:
        return re.compile(key)
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"{key}: is not a regular expression: {error}"
        raise ValueError(msg) from error


def _bits_of(module: nn.Module, defaults: Bits, settings: dict[str, Any]) -> Bits:
    activations = settings.pop("bits_activations", defaults.activations)
    weights = settings.pop("bits_weights", defaults.weights)
    bias = settings.pop("bits_bias", defaults.bias)
    if not isinstance(module, WITH_WEIGHTS):
        weights = bias = None
    return Bits(activations, weights, bias, settings)
