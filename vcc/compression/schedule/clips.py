"""The clips of a compressed network: fewer frames, a wider temporal stride, fewer pixels.

An extension of Distiller's dialect. A 3D CNN's multiply-accumulates grow with the frames of its
clips and with the square of their size, so a schedule's section `clips` is a knob like a pruner:

    clips: {sample_duration: x0.5, downsample: x2, sample_size: 80}

A number stands for itself, `xF` for F times the baseline's. It holds from the first epoch on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from vcc.compression.schedule.fields import Checker, Field, integer

_FACTOR = re.compile(r"x(\d+(?:\.\d+)?)")
_LEAST = {"sample_duration": 1, "downsample": 1, "sample_size": 8}


def number_or_factor(at_least: int) -> Checker:
    """Accept a whole number of at least that much, or a factor such as `x0.5`."""
    whole = integer(at_least)

    def check(value: Any) -> int | str:
        if not isinstance(value, str):
            return int(whole(value))
        found = _FACTOR.fullmatch(value)
        if found is None or not 0 < float(found[1]) < math.inf:
            msg = f"{value!r} is neither a whole number nor a factor such as x0.5"
            raise ValueError(msg)
        return value

    return check


CLIP_FIELDS: dict[str, Field] = {
    "sample_duration": Field(
        number_or_factor(_LEAST["sample_duration"]), None, "extension: frames in a clip"
    ),
    "downsample": Field(
        number_or_factor(_LEAST["downsample"]), None, "extension: take every n-th frame"
    ),
    "sample_size": Field(
        number_or_factor(_LEAST["sample_size"]), None, "extension: height and width, pixels"
    ),
}


def resolve_clips(asked: Mapping[str, int | str], own: Mapping[str, int]) -> dict[str, int]:
    """Return the clip's figures that a schedule asks for, as numbers.

    Args:
        asked: some of `CLIP_FIELDS` to a number or a factor.
        own: the same names to the baseline's figures.

    Returns:
        the asked names to numbers: a factor of the baseline's figure is rounded to the nearest
        whole number, halves up, and is at least what the figure may be.
    """
    return {name: _resolved(value, own[name], _LEAST[name]) for name, value in asked.items()}


def _resolved(value: int | str, own: int, least: int) -> int:
    if isinstance(value, int):
        return value
    return max(least, int(own * float(value.removeprefix("x")) + 0.5))
