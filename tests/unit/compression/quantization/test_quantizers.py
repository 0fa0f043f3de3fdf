"""What the arguments of a quantizer mean: bits, modes and integers by target."""

from __future__ import annotations

import pytest

from vcc.compression.quantization.guard import Budget
from vcc.compression.quantization.overrides import Bits
from vcc.compression.quantization.quantizers import CalibratedRanges, Pact, TrainedRanges, Wrpn
from vcc.errors import ScheduleError

PTQ = "PostTrainLinearQuantizer"


def test_without_a_target_it_is_distiller_s_dialect() -> None:
    made = CalibratedRanges().settings(PTQ)
    assert (made.bits, made.overflow, made.per_channel) == (Bits(8, 8, None), "fast", False)
    assert (made.activation_mode, made.weight_mode) == ("SYMMETRIC", "SYMMETRIC")
    assert not made.by_target


def test_a_target_chooses_what_is_not_given() -> None:
    made = CalibratedRanges(quant_target="cpu").settings(PTQ)
    assert (made.activation_mode, made.weight_mode) == ("ASYMMETRIC_UNSIGNED", "SYMMETRIC")
    assert (made.overflow, made.per_channel, made.by_target) == ("safe", True, True)
    own = CalibratedRanges(quant_target="cpu", mode="SYMMETRIC", per_channel_wts=False)
    made = own.settings(PTQ)
    assert (made.activation_mode, made.per_channel, made.by_target) == ("SYMMETRIC", False, False)


def test_a_class_says_what_it_is_like() -> None:
    assert CalibratedRanges.is_calibrated
    assert not TrainedRanges.is_calibrated
    assert TrainedRanges.tracks_ranges
    assert (Pact.weight_kind, Pact.learns_clips) == ("dorefa", True)
    assert (Wrpn.weight_kind, Wrpn.learns_clips) == ("wrpn", False)
    assert CalibratedRanges().settings(PTQ).method is CalibratedRanges


def test_a_guard_becomes_a_budget() -> None:
    assert CalibratedRanges(guard={"top1": 0.02}).budget() == Budget(top1=0.02)
    assert CalibratedRanges().budget() is None
    assert TrainedRanges().budget() is None
    with pytest.raises(ScheduleError, match="guard: names neither loss nor top1|not a mapping"):
        CalibratedRanges(guard={})
