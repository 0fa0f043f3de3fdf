"""A square of a frame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A square of a frame, in pixels."""

    top: int
    left: int
    side: int
