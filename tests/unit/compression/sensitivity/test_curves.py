"""Sensitivity analysis: the original's numbers, any rank of weight, the network restored."""

from __future__ import annotations

import csv
import io

import pytest
import torch
from compression_goldens import array, bag, golden
from torch import Tensor, nn

from vcc.compression.sensitivity.curves import (
    Analysis,
    Point,
    analyse,
    level_mask,
    levels_between,
    prunable_weights,
)
from vcc.compression.sensitivity.measured import EvalResult


def zero_share(weight: Tensor) -> float:
    return float((weight == 0).double().mean())


@pytest.mark.parametrize("case", ["sense_element", "sense_channel"])
def test_the_original_s_table(case: str) -> None:
    inputs, expected = golden(case)["inputs"], golden(case)["expected"]
    model = bag(c_weight=array(inputs["c"]), f_weight=array(inputs["f"]))

    def measure(network: nn.Module) -> EvalResult:
        c, f = (network.get_parameter(f"{name}.weight").detach() for name in "cf")
        return EvalResult(zero_share(c), zero_share(f), float(c.abs().sum()))

    group = case.removeprefix("sense_")
    analysis = analyse(model, measure, group=group, levels=[0.0, 0.2, 0.5])
    ours, theirs = (
        list(csv.reader(io.StringIO(text))) for text in (analysis.as_csv(), expected["csv"])
    )
    assert ours[0] == theirs[0]
    assert [row[0] for row in ours] == [row[0] for row in theirs]
    for mine, original in zip(ours[1:], theirs[1:], strict=True):
        assert list(map(float, mine[1:])) == pytest.approx(list(map(float, original[1:])), rel=1e-5)


class Net(nn.Module):
    """Weights of two to five dimensions, with a BatchNorm behind the last convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.three = nn.Conv3d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm3d(6)
        self.two = nn.Conv2d(6, 5, 3, padding=1)
        self.one = nn.Conv1d(5, 4, 3, padding=1)
        self.fc = nn.Linear(4, 2)

    def forward(self, clip: Tensor) -> Tensor:
        frames = torch.relu(self.norm(self.three(clip))).mean(dim=2)
        rows = torch.relu(self.two(frames)).mean(dim=2)
        logits: Tensor = self.fc(torch.relu(self.one(rows)).mean(dim=2))
        return logits


@pytest.mark.parametrize(("group", "n_weights"), [("element", 4), ("filter", 4), ("channel", 3)])
def test_weights_of_two_to_five_dimensions_are_pruned_and_restored(
    group: str, n_weights: int
) -> None:
    model = Net().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen: list[dict[str, float]] = []

    def measure(network: nn.Module) -> EvalResult:
        assert not network.training
        seen.append({name: zero_share(value) for name, value in network.named_parameters()})
        return EvalResult(0.5, 1.0, 0.7)

    coupled = {"three.weight": ("three.bias", "norm.weight", "norm.bias")}
    analysis = analyse(
        model, measure, group=group, levels=levels_between(0.0, 0.95, 0.5), coupled=coupled
    )
    assert len(analysis.points) == 2 * n_weights
    # once dense, then each weight once: level 0 prunes nothing and is not measured again
    assert len(seen) == 1 + n_weights
    quiet = ("norm.bias",)
    for name, zeros in zip(prunable_weights(model, group), seen[1:], strict=True):
        pruned = {key for key, share in zeros.items() if share > 0 and key not in quiet}
        if (group, name) == ("filter", "three.weight"):
            # what removing the filters will silence is silent now
            assert pruned == {name, "three.bias", "norm.weight"}
            assert zeros["norm.weight"] == zeros[name] == 0.5
        else:
            assert pruned == {name}
    assert model.training
    assert model.norm.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_network_is_restored_when_measuring_fails() -> None:
    model = Net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    calls = iter([EvalResult(1.0, 1.0, 0.0)])
    with pytest.raises(StopIteration):
        analyse(model, lambda _: next(calls), group="element", levels=[0.5])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_levels_have_no_crumbs_and_leave_the_stop_out() -> None:
    assert levels_between(0.0, 0.95, 0.05)[-3:] == (0.8, 0.85, 0.9)
    assert len(levels_between(0.0, 0.95, 0.05)) == 19
    assert levels_between(0.0, 0.3, 0.1) == (0.0, 0.1, 0.2)
    assert levels_between(0.5, 0.5, 0.1) == ()


def test_a_level_that_prunes_nothing_has_no_mask() -> None:
    weight = torch.arange(1.0, 13.0).reshape(4, 3)
    assert level_mask(weight, 0.2, "filter") is None
    mask = level_mask(weight, 0.25, "filter")
    assert mask is not None
    assert mask.any(dim=1).tolist() == [False, True, True, True]
    assert level_mask(weight, 0.05, "element") is None


def test_a_proposal_stops_at_the_first_level_that_costs_too_much() -> None:
    def points(name: str, *tops: float) -> list[Point]:
        levels = (0.0, 0.3, 0.6, 0.9)
        return [Point(name, s, EvalResult(t, 1, 0)) for s, t in zip(levels, tops, strict=True)]

    analysis = Analysis(
        "element",
        EvalResult(0.9, 1.0, 0.3),
        (
            *points("tough", 0.9, 0.9, 0.92, 0.89),
            *points("lucky", 0.9, 0.5, 0.9, 0.9),
            *points("tender", 0.9, 0.88, 0.5, 0.1),
        ),
    )
    assert analysis.proposal(0.01) == {"tough": 0.9, "lucky": 0.0, "tender": 0.0}
    assert analysis.proposal(0.02)["tender"] == 0.3
