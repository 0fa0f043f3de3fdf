"""The structural step on a small network."""

from __future__ import annotations

import copy

import pytest
import torch
from decomposition_toys import toy_clip, toy_network, weights_of
from torch import nn

from vcc.compression.decomposition import decompose as module
from vcc.compression.decomposition.decompose import Decomposer, decompose_
from vcc.compression.decomposition.ranks import RankRule
from vcc.errors import ScheduleError
from vcc.models.decomposed import Decomposed

FORMS = ("spatial_temporal", "tucker2", "low_rank")
FULL = RankRule(share=1.0)


def decomposer(model: nn.Module, form: str, rule: RankRule, **options: bool) -> Decomposer:
    return Decomposer(weights=weights_of(model), form=form, rule=rule, **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("data_aware", [False, True])
@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_full_rank_computes_the_same(form, data_aware, dtype, most):
    model = toy_network().to(dtype)
    clip = toy_clip().to(dtype)
    expected = model(clip).detach()

    report = decompose_(
        model,
        decomposer(model, form, FULL, cheaper=False, data_aware=data_aware),
        clip,
        calibration=lambda: [clip],
    )

    assert report.rows
    assert all(row.ranks == row.full for row in report.rows)
    assert (model(clip) - expected).abs().max() <= most * max(1, expected.abs().max())


@pytest.mark.parametrize("form", FORMS)
def test_a_cost_is_met_and_told(form):
    model = toy_network()
    report = decompose_(model, decomposer(model, form, RankRule(macs=0.5)), toy_clip())

    assert report.macs <= 0.5 * report.macs_before
    for row in report.rows:
        layer = model.get_submodule(row.layer)
        assert isinstance(layer, Decomposed)
        assert layer.ranks == row.ranks
        assert 0 < row.output_error < 1.5
        assert 0 < row.energy < 1


def test_by_the_outputs_the_outputs_are_nearer():
    errors = {}
    for data_aware in (False, True):
        model = toy_network()
        # what a stem reads is far from white
        clip = toy_clip().cumsum(3).cumsum(4)
        report = decompose_(
            model,
            decomposer(model, "low_rank", RankRule(rank=(3,)), data_aware=data_aware),
            clip,
            calibration=lambda clip=clip: [clip],
        )
        errors[data_aware] = {row.layer: row.output_error for row in report.rows}
    assert all(errors[True][name] <= errors[False][name] + 1e-9 for name in errors[False])
    assert errors[True]["stem"] < 0.9 * errors[False]["stem"]


def test_new_weights_take_the_old_ones_place_in_the_optimizer():
    model = toy_network()
    bias = model.cube.bias
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(toy_clip()).sum().backward()
    optimizer.step()
    momentum = optimizer.state[bias]["momentum_buffer"]

    plan = Decomposer(weights=("cube.weight",), form="low_rank", rule=RankRule(rank=(2,)))
    decompose_(model, plan, toy_clip(), optimizer=optimizer)

    held = optimizer.param_groups[0]["params"]
    assert [id(each) for each in held] == [id(each) for each in model.parameters()]
    assert model.cube[1].bias is bias
    assert optimizer.state[bias]["momentum_buffer"] is momentum
    assert all(each in set(held) for each in optimizer.state)


def test_a_form_that_should_be_lossless_and_is_not_stays_out(monkeypatch):
    made = module.LayerCandidate.made

    def wrong(self, ranks):
        form = made(self, ranks)
        with torch.no_grad():
            form[0].weight.mul_(1.001)
        return form

    monkeypatch.setattr(module.LayerCandidate, "made", wrong)
    model = toy_network()
    plan = Decomposer(weights=("cube.weight",), form="low_rank", rule=FULL, cheaper=False)
    report = decompose_(model, plan, toy_clip())

    assert not report.rows
    assert "at full rank its output differs by" in report.left["cube"]
    assert isinstance(model.cube, nn.Conv3d)


def test_a_layer_that_does_not_run_stays():
    model = toy_network()
    model.idle = nn.Linear(3, 3)
    model.forward = lambda clip: nn.Sequential(*list(model)[:-1])(clip)
    plan = Decomposer(weights=("idle.weight",), form="low_rank", rule=FULL)
    assert "does not run" in decompose_(model, plan, toy_clip()).left["idle"]


def test_data_aware_needs_clips_and_fails_before_anything_is_changed():
    model = toy_network()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ScheduleError, match="calibration"):
        decompose_(model, decomposer(model, "low_rank", FULL, data_aware=True), toy_clip())
    assert model.state_dict().keys() == before.keys()
