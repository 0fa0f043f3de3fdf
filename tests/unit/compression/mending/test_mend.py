"""Mending of a whole network: closer to the float network, and told."""

from __future__ import annotations

import copy

import pytest
import torch
from mending_toys import CLIPS, calibrated
from torch import nn

from vcc.compression.mending.mend import Mended, mend_
from vcc.compression.mending.parameters import FloatParameters
from vcc.errors import ScheduleError


def error(model: nn.Module, logits: torch.Tensor) -> float:
    with torch.no_grad():
        return float((model.eval()(CLIPS) - logits).square().mean())


@pytest.mark.parametrize("rounding", ["nearest", "gptq"])
def test_it_brings_the_outputs_nearer(rounding: str) -> None:
    model, logits = calibrated(bits=3)
    nearest = error(model, logits)
    mended = mend_(model, lambda: [CLIPS], rounding=rounding, bias_correction=True)
    assert error(model, logits) < 0.5 * nearest
    assert {"first", "second"} <= set(mended.rounding) or rounding == "nearest"
    assert set(mended.biases) == {"first", "last"}


def test_each_layer_errs_less_by_itself() -> None:
    model, _ = calibrated(bits=3)
    mended = mend_(model, lambda: [CLIPS], rounding="gptq", bias_correction=False)
    assert {"first", "second"} <= set(mended.rounding)
    assert all(now < before for before, now in mended.rounding.values())
    assert not mended.biases


def test_the_parameters_before_are_kept() -> None:
    model, _ = calibrated()
    before = copy.deepcopy(model.state_dict())
    mended = mend_(model, lambda: [CLIPS], rounding="gptq", bias_correction=True)
    for name in ("first", "second", "last"):
        mended.floats.put_back(model, name)
    now = model.state_dict()
    assert all(torch.equal(now[key], value) for key, value in before.items())


def test_it_says_what_it_did() -> None:
    model, _ = calibrated()
    words = mend_(model, lambda: [CLIPS], rounding="gptq", bias_correction=True).sentence()
    assert words.startswith("weights of 3 layers rounded by gptq: their outputs err ")
    assert words.endswith("biases of 2 layers corrected")
    nothing = Mended(FloatParameters(model), {}, {})
    assert nothing.sentence() == "nothing to mend"


@pytest.mark.parametrize("batches", [None, list])
def test_without_clips_it_is_refused(batches: type[list[torch.Tensor]] | None) -> None:
    model, _ = calibrated()
    with pytest.raises(ScheduleError, match="need calibration clips"):
        mend_(model, batches, rounding="gptq", bias_correction=False)
