"""Whatever the ratio, the ramp and the optimizer: exactly what was asked is zero, and stays so."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.optim import SGD, Adam, AdamW
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from toy_training import Training, pruned_by, tiny_net

from vcc.compression import file_config

RATIOS = st.floats(0, 1, allow_nan=False)
SHAPES = st.sampled_from([(7,), (5, 3), (4, 3, 2, 2), (6, 2, 2, 3, 3)])


class Holder(torch.nn.Module):
    """One parameter."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(weight)


def zeros_at(schedule: dict[str, Any], model: torch.nn.Module, epochs: list[int]) -> list[int]:
    """Return how many weights are masked in each epoch."""
    scheduler = file_config(model, None, schedule)
    counts = []
    for epoch in range(max(epochs) + 1):
        scheduler.on_epoch_begin(epoch)
        mask = scheduler.masks["weight"]
        if epoch in epochs:
            counts.append(0 if mask is None else int((~mask).sum()))
        scheduler.on_epoch_end(epoch)
    return counts


@given(ratio=RATIOS, shape=SHAPES, steps=st.integers(1, 50), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_level_prunes_exactly_its_share_ties_and_all(
    ratio: float, shape: tuple[int, ...], steps: int, seed: int
) -> None:
    torch.manual_seed(seed)
    # few distinct values: most magnitudes tie
    model = Holder((torch.randn(shape) * steps).round() / steps)
    schedule = pruned_by({"class": "SparsityLevelParameterPruner", "levels": {"weight": ratio}})

    (count,) = zeros_at(schedule, model, [0])

    assert count == int(ratio * model.weight.numel())


@given(ratio=RATIOS, n=st.integers(1, 40), tied=st.booleans())
@settings(max_examples=60, deadline=None)
def test_filters_are_pruned_by_exactly_their_share(ratio: float, n: int, tied: bool) -> None:
    torch.manual_seed(n)
    model = Holder(torch.ones(n, 2, 2, 2, 2) if tied else torch.randn(n, 2, 2, 2, 2))
    schedule = pruned_by(
        {
            "class": "L1RankedStructureParameterPruner",
            "group_type": "Filters",
            "desired_sparsity": ratio,
            "weights": ["weight"],
        }
    )

    (count,) = zeros_at(schedule, model, [0])

    wanted = math.floor(ratio * n)
    # a layer loses all of its filters only when told so
    assert count == 16 * (n - 1 if wanted == n and ratio < 1 else wanted)


@given(
    start=st.integers(0, 6),
    length=st.integers(1, 12),
    data=st.data(),
    initial=RATIOS,
    final=RATIOS,
)
@settings(max_examples=80, deadline=None)
def test_agp_ends_on_its_target(
    start: int, length: int, data: st.DataObject, initial: float, final: float
) -> None:
    frequency = data.draw(st.integers(1, length))
    initial, final = min(initial, final), max(initial, final)
    assume(initial < final)
    model = Holder(torch.randn(9, 11))
    schedule = pruned_by(
        {
            "class": "AutomatedGradualPruner",
            "initial_sparsity": initial,
            "final_sparsity": final,
            "weights": ["weight"],
        },
        starting_epoch=start,
        ending_epoch=start + length,
        frequency=frequency,
    )
    active = list(range(start, start + length, frequency))

    counts = zeros_at(schedule, model, active)

    assert counts[-1] == int(final * 99)
    assert counts == sorted(counts)
    if len(active) > 1:
        # one ulp below the initial sparsity may round to one weight less
        assert counts[0] in (int(initial * 99), math.ceil(Fraction(initial) * 99) - 1)


@given(
    epochs=st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True),
    final=RATIOS.filter(bool),
)
@settings(max_examples=30, deadline=None)
def test_agp_ends_on_its_target_under_a_list_of_epochs(epochs: list[int], final: float) -> None:
    schedule = pruned_by(
        {
            "class": "AutomatedGradualPruner",
            "initial_sparsity": 0.0,
            "final_sparsity": final,
            "weights": ["weight"],
        },
        epochs=epochs,
    )

    assert zeros_at(schedule, Holder(torch.randn(50)), [max(epochs)]) == [int(final * 50)]


OPTIMIZERS = {
    "momentum": lambda lr, decay: lambda p: SGD(p, lr=lr, momentum=0.9, weight_decay=decay),
    "nesterov": lambda lr, decay: (
        lambda p: SGD(p, lr=lr, momentum=0.9, nesterov=True, weight_decay=decay)
    ),
    "adam": lambda lr, decay: lambda p: Adam(p, lr=lr, weight_decay=decay),
    "adamw": lambda lr, decay: lambda p: AdamW(p, lr=lr, weight_decay=decay, amsgrad=True),
}


@given(
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    rate=st.floats(1e-4, 0.3),
    decay=st.floats(0, 0.3),
    ema=st.floats(0.1, 0.999),
    start=st.integers(0, 2),
    sparsity=st.floats(0.05, 0.95),
)
@settings(max_examples=12, deadline=None)
def test_masks_hold_under_every_optimizer_and_its_average(
    optimizer: str, rate: float, decay: float, ema: float, start: int, sparsity: float
) -> None:
    # from a later epoch on the optimizer's momentum still moves what is pruned
    schedule = pruned_by(
        {
            "class": "AutomatedGradualPruner",
            "initial_sparsity": sparsity / 2,
            "final_sparsity": sparsity,
            "weights": ["conv1.weight", "conv2.weight"],
        },
        starting_epoch=start,
        ending_epoch=start + 2,
        frequency=1,
    )
    training = Training(schedule, make_optimizer=OPTIMIZERS[optimizer](rate, decay))
    average = AveragedModel(training.model, multi_avg_fn=get_ema_multi_avg_fn(ema))

    def after_step(epoch: int, step: int) -> None:
        average.update_parameters(training.model)
        training.scheduler.apply_masks_to(average.module)
        for network in (training.model, average.module):
            for name, mask in training.scheduler.masks.items():
                weight = network.get_parameter(name)
                assert mask is None or not bool(weight[~mask].any())

    training.after_step = after_step
    training.run(start + 4)

    for name in ("conv1.weight", "conv2.weight"):
        weight = training.model.get_parameter(name)
        assert int((weight == 0).sum()) == int(sparsity * weight.numel())
        mask = training.scheduler.masks[name]
        assert mask is not None
        assert int((average.module.get_parameter(name)[mask] == 0).sum()) == 0


def test_averages_would_not_be_sparse_without_their_mask() -> None:
    """What `apply_masks_to` is for: the property above could fail."""
    schedule = pruned_by(
        {"class": "SparsityLevelParameterPruner", "levels": {"conv1.weight": 0.5}},
        epochs=[1],
    )
    training = Training(schedule)
    average = AveragedModel(training.model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    training.after_step = lambda epoch, step: average.update_parameters(training.model)
    training.run(2)

    assert int((training.model.conv1.weight == 0).sum()) == 108
    assert int((average.module.conv1.weight == 0).sum()) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_the_networks_of_these_tests_are_drawn_by_their_seed(seed: int) -> None:
    assert torch.equal(tiny_net(seed).conv1.weight, tiny_net(seed).conv1.weight)
