"""Weights of one layer: on their quantizer's grid, with less error, or left as they were."""

from __future__ import annotations

import copy

import pytest
import torch
from mending_toys import CLIPS, calibrated
from torch import nn

from vcc.compression.mending import layer_weight
from vcc.compression.mending.layer_weight import round_weight_, weight_quantizer


@pytest.mark.parametrize("name", ["first", "second", "last"])
@pytest.mark.parametrize("mode", [None, "ASYMMETRIC_SIGNED"])
def test_outputs_err_less_and_the_quantizer_gives_what_was_chosen(
    name: str, mode: str | None
) -> None:
    model, _ = calibrated(mode=mode)
    layer = model.get_submodule(name)
    quantizer = weight_quantizer(layer)
    assert quantizer is not None
    grid = quantizer.parameters_of(layer.get_parameter("weight").detach())

    found = round_weight_(model, name, 1, lambda: [CLIPS])

    assert found is not None
    before, now = found
    assert 0 <= now < before
    weight = layer.get_parameter("weight").detach()
    assert all(
        torch.equal(a, b) for a, b in zip(grid, quantizer.parameters_of(weight), strict=True)
    )
    off = (weight - quantizer(weight)).abs() * grid[0]
    assert float((off < 1e-3).float().mean()) > 0.6, "all but what spans the grid lies on it"


def test_zeros_that_masks_made_stay() -> None:
    model, _ = calibrated()
    layer = model.get_submodule("first")
    with torch.no_grad():
        layer.get_parameter("weight")[:, 1] = 0
    assert round_weight_(model, "first", 1, lambda: [CLIPS]) is not None
    assert not layer.get_parameter("weight")[:, 1].any()


def test_what_does_not_help_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = calibrated()
    before = copy.deepcopy(model.get_submodule("first").get_parameter("weight"))
    monkeypatch.setattr(
        layer_weight, "round_by_moments", lambda weight, *_: torch.zeros_like(weight)
    )
    assert round_weight_(model, "first", 1, lambda: [CLIPS]) is None
    assert torch.equal(model.get_submodule("first").get_parameter("weight"), before)


def test_filters_of_too_many_inputs_are_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model, _ = calibrated()
    monkeypatch.setattr(layer_weight, "MOST_INPUTS", 80)
    assert round_weight_(model, "first", 1, lambda: [CLIPS]) is None
    assert "first: rounded to the nearest: its filters have too many inputs" in caplog.text
    assert round_weight_(model, "last", 1, lambda: [CLIPS]) is not None


def test_layers_without_a_range_have_no_quantizer_of_this_kind() -> None:
    assert weight_quantizer(nn.Linear(2, 2)) is None
