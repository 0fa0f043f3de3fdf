"""What quantizers take, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from vcc.compression.schedule.quantizer_fields import CLIP_MODES, QUANTIZERS

POST = QUANTIZERS["PostTrainLinearQuantizer"]


def test_nothing_of_a_quantizer_is_required() -> None:
    assert not [name for fields in QUANTIZERS.values() for name in fields if fields[name].required]


def test_every_quantizer_takes_a_word_about_overflow() -> None:
    for fields in QUANTIZERS.values():
        assert fields["overflow"].check("safe") == "safe"
        with pytest.raises(ValueError, match="did you mean safe"):
            fields["overflow"].check("saf")


@pytest.mark.parametrize("clip", CLIP_MODES)
def test_clip_modes_are_taken_as_they_are_written(clip: str) -> None:
    assert POST["clip_acts"].check(clip) == clip
    with pytest.raises(ValueError, match="not one of"):
        POST["clip_acts"].check(clip.lower())


@pytest.mark.parametrize("guard", [{"loss": 0.05}, {"top1": 0, "loss": "1e-2"}, None])
def test_a_guard_names_what_it_may_cost(guard: Any) -> None:
    expected = guard and {key: float(value) for key, value in guard.items()}
    assert POST["guard"].check(guard) == expected


@pytest.mark.parametrize(
    ("guard", "message"),
    [({"los": 1}, "did you mean loss"), ({"loss": -1}, "at least 0"), ({}, "not a mapping")],
)
def test_a_guard_of_something_else_is_refused(guard: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        POST["guard"].check(guard)


@pytest.mark.parametrize(("bits", "fits"), [(1, False), (2, True), (32, True), (33, False)])
def test_bits_have_a_range(bits: int, fits: bool) -> None:
    if fits:
        assert POST["bits_activations"].check(bits) == bits
    else:
        with pytest.raises(ValueError, match="must be at"):
            POST["bits_activations"].check(bits)
