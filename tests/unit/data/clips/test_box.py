"""Boxes are values."""

from __future__ import annotations

import dataclasses

import pytest

from vcc.data.clips.box import Box


def test_boxes_of_the_same_place_are_the_same_and_stay_there() -> None:
    box = Box(3, 11, 20)
    assert box == Box(top=3, left=11, side=20)
    assert {box, Box(3, 11, 20), Box(11, 3, 20)} == {box, Box(11, 3, 20)}
    with pytest.raises(dataclasses.FrozenInstanceError):
        box.top = 0  # type: ignore[misc]
