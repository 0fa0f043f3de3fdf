"""Criteria that rank filters: Taylor importance, geometric median, BatchNorm scales, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_training import STEPS, Training, batch_of, pruned_by, tiny_net

from vcc.compression import CompressionScheduler, file_config
from vcc.errors import ScheduleError

EXAMPLE = torch.zeros(2, 2, 3, 5, 5)


def begun(model: nn.Module, **pruner: Any) -> CompressionScheduler:
    """Return a scheduler whose pruner has computed masks once, from the weights as they are."""
    scheduler = file_config(model, None, pruned_by(pruner), example_input=EXAMPLE)
    scheduler.on_epoch_begin(0)
    return scheduler


def filters_kept(mask: Tensor | None) -> list[int]:
    """Return which filters a mask keeps; it must keep or prune each as a whole."""
    assert mask is not None
    flat = mask.flatten(1)
    assert bool((flat.all(dim=1) == flat.any(dim=1)).all())
    return flat.all(dim=1).nonzero().flatten().tolist()


def show_gradients(scheduler: CompressionScheduler, epoch: int, step: int, of: int) -> None:
    """Let a scheduler see a minibatch's gradients as they stand."""
    scheduler.on_minibatch_begin(epoch, step, of)
    scheduler.before_backward_pass(epoch, step, of, torch.zeros(()))
    scheduler.before_parameter_optimization(epoch, step, of)
    scheduler.on_minibatch_end(epoch, step, of)


class Bare(nn.Module):
    """Two convolutions of one tap each without BatchNorm: gradients by hand."""

    def __init__(self, weights: list[float]) -> None:
        super().__init__()
        self.first = nn.Conv3d(2, len(weights), 1)
        self.last = nn.Conv3d(len(weights), 1, 1, bias=False)
        with torch.no_grad():
            self.first.weight.zero_()
            self.first.weight[:, 0, 0, 0, 0] = torch.tensor(weights)
            self.first.bias.zero_()
            self.last.weight.fill_(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x)).mean(dim=(2, 3, 4))


class TestTaylor:
    def taylor(self, **more: Any) -> dict[str, Any]:
        how = {"desired_sparsity": 0.5, "weights": ["first.weight"], **more}
        return {"class": "TaylorRankedFilterPruner", **how}

    def observed(self, model: nn.Module, factors: list[list[float]], **more: Any) -> Any:
        """Return a scheduler that saw minibatches whose gradients of the filters are `factors`."""
        schedule = pruned_by(self.taylor(**more))
        scheduler = file_config(model, None, schedule, example_input=EXAMPLE)
        scheduler.on_epoch_begin(0)
        for step, factor in enumerate(factors):
            gradient = torch.zeros_like(model.first.weight)
            gradient[:, 0, 0, 0, 0] = torch.tensor(factor)
            model.first.weight.grad = gradient
            show_gradients(scheduler, 0, step, len(factors))
        scheduler.on_epoch_end(0)
        return scheduler

    def test_squares_are_averaged_over_minibatches(self) -> None:
        # per minibatch (g w)^2: filter 0: 4 and 4; 1: 1 and 1; 2: 0 and 9; 3: 1 and 1.21
        model = Bare([1.0, 2.0, 3.0, 1.0])
        scheduler = self.observed(model, [[2, 0.5, 0, 1], [-2, -0.5, -1, 1.1]])
        scheduler.on_epoch_begin(1)

        # signed sums would be 0, 0, -3 and 2.1 over both, and keep filter 3 before filter 0
        assert filters_kept(scheduler.masks["first.weight"]) == [0, 2]

    def test_nothing_is_pruned_before_the_first_minibatch(self) -> None:
        model = Bare([1.0, 2.0, 3.0, 4.0])
        scheduler = file_config(model, None, pruned_by(self.taylor()), example_input=EXAMPLE)
        scheduler.on_epoch_begin(0)

        assert scheduler.masks["first.weight"] is None

    def test_each_mask_update_starts_anew(self) -> None:
        model = Bare([1.0, 1.0, 1.0, 1.0])
        scheduler = self.observed(model, [[9, 8, 1, 2]], desired_sparsity=0.25)
        scheduler.on_epoch_begin(1)
        assert filters_kept(scheduler.masks["first.weight"]) == [0, 1, 3]
        model.first.weight.grad[:, 0, 0, 0, 0] = torch.tensor([1.0, 2.0, 5.0, 3.0])
        show_gradients(scheduler, 1, 0, 1)
        scheduler.on_epoch_end(1)
        # with what was seen before, filter 3 would come next; the masked one has weights of 0
        scheduler.policies[0].pruner.ranked.fraction.value = 0.5
        scheduler.on_epoch_begin(2)
        assert filters_kept(scheduler.masks["first.weight"]) == [1, 3]

    def test_a_minibatch_whose_gradients_overflowed_does_not_count(self) -> None:
        model = Bare([1.0, 1.0, 1.0, 1.0])
        scheduler = self.observed(model, [[4, 3, 2, 1], [float("inf"), 0, 0, 0]])
        scheduler.on_epoch_begin(1)

        assert filters_kept(scheduler.masks["first.weight"]) == [0, 1]

    @pytest.mark.parametrize("share", [0.0, 0.2])
    def test_a_share_of_less_than_a_filter_prunes_nothing(self, share: float) -> None:
        model = Bare([1.0, 1.0, 1.0, 1.0])
        scheduler = self.observed(model, [[4, 3, 2, 1]], desired_sparsity=share)
        scheduler.on_epoch_begin(1)

        assert scheduler.masks["first.weight"] is None

    def test_of_ties_the_first_go(self) -> None:
        model = Bare([1.0, 1.0, 1.0, 1.0])
        scheduler = self.observed(model, [[1, -1, 1, -1]])
        scheduler.on_epoch_begin(1)

        assert filters_kept(scheduler.masks["first.weight"]) == [2, 3]

    def test_behind_a_filter_it_is_measured_at_the_batchnorm(self) -> None:
        """There the sum over the weights is next to nothing, and the gate is the output's."""
        model = tiny_net().double()
        scheduler = file_config(
            model,
            None,
            pruned_by({**self.taylor(), "weights": ["conv1.weight"]}),
            example_input=EXAMPLE.double(),
        )
        gates = torch.ones(4, dtype=torch.float64, requires_grad=True)
        handle = model.bn1.register_forward_hook(lambda *call: call[2] * gates.view(-1, 1, 1, 1))
        clips, labels = batch_of(0, 0)
        scheduler.on_epoch_begin(0)
        nn.functional.cross_entropy(model(clips.double()), labels).backward()
        show_gradients(scheduler, 0, 0, 1)
        handle.remove()

        score = scheduler.policies[0].pruner.score
        torch.testing.assert_close(score.sums["conv1.weight"], gates.grad.square())
        own = (model.conv1.weight * model.conv1.weight.grad).flatten(1).sum(dim=1).detach()
        assert float(own.abs().max()) < 1e-3 * float(gates.grad.abs().max())

    def test_a_pointwise_filter_is_measured_behind_its_depthwise_one(self) -> None:
        model = nn.Sequential(
            nn.Conv3d(2, 4, 1, bias=False),
            nn.Conv3d(4, 4, 3, padding=1, groups=4, bias=False),
            nn.BatchNorm3d(4),
            nn.ReLU(),
            nn.Conv3d(4, 2, 1),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Linear(2, 2),
        )
        pruner = {**self.taylor(), "weights": ["0.weight", "4.weight"]}
        scheduler = file_config(model, None, pruned_by(pruner), example_input=EXAMPLE)
        gates = scheduler.policies[0].pruner.score.gates

        assert (gates["0.weight"].scale, gates["0.weight"].shift) == ("2.weight", "2.bias")
        assert "4.weight" not in gates

    def test_a_policy_of_one_epoch_would_never_prune(self) -> None:
        schedule = pruned_by(self.taylor(), epochs=[3])
        with pytest.raises(ScheduleError, match="prunes nothing in the first"):
            file_config(Bare([1.0, 2.0]), None, schedule, example_input=EXAMPLE)
        often = pruned_by(self.taylor(), epochs=[3], args={"mini_batch_pruning_frequency": 2})
        file_config(Bare([1.0, 2.0]), None, often, example_input=EXAMPLE)

    def test_what_was_seen_is_dropped_when_shapes_change(self) -> None:
        schedule = {
            "pruners": {"pruner": self.taylor(weights=["conv1.weight", "conv2.weight"])},
            "extensions": {"thinner": {"class": "FilterRemover"}},
            "policies": [
                {"pruner": {"instance_name": "pruner"}, "epochs": [0, 1, 2, 3]},
                {"extension": {"instance_name": "thinner"}, "epochs": [2]},
            ],
        }
        options = {"example_input": EXAMPLE, "mask_coupled": True}
        training = Training(schedule, options=options)
        training.run(3, stop=(2, 1))
        score = training.scheduler.policies[0].pruner.score
        assert training.model.conv1.weight.shape[0] == 2
        assert score.counts["conv1.weight"] == 1
        assert len(score.sums["conv1.weight"]) == 2
        training.run(4, begin=(2, 1))
        assert score.counts["conv1.weight"] == STEPS


class TestGeometricMedian:
    def kept(self, filters: Tensor, share: float = 0.25) -> list[int]:
        model = tiny_net()
        with torch.no_grad():
            model.conv1.weight.zero_()
            model.conv1.weight[:, :, 0, 0, 0] = filters
        pruner = {
            "class": "FPGMRankedFilterPruner",
            "desired_sparsity": share,
            "weights": ["conv1.weight"],
        }
        mask = begun(model, **pruner).masks["conv1.weight"]
        return [0, 1, 2, 3] if mask is None else filters_kept(mask)

    def test_the_filter_that_the_others_surround_goes_first(self) -> None:
        # on a line at 1, 3, 4 and 9: sums of distances 13, 9, 9 and 19
        line = torch.tensor([[1.0, 0], [3, 0], [4, 0], [9, 0]])
        assert self.kept(line) == [0, 2, 3]
        assert self.kept(line, 0.5) == [0, 3]
        # the smallest filter stays where it is far from the others
        assert self.kept(torch.tensor([[1.0, 0], [7, 0], [8, 0], [9, 0]])) == [0, 2, 3]

    def test_masked_filters_go_first_and_are_nobodys_neighbours(self) -> None:
        # without the zeros the sums are 12, 11 and 21; with them 13, 13 and 33, and 1 would go
        filters = torch.tensor([[0.0, 0], [1, 0], [2, 0], [12, 0]])
        assert self.kept(filters, 0.25) == [1, 2, 3]
        assert self.kept(filters, 0.5) == [1, 3]

    def test_a_share_of_nothing_prunes_nothing(self) -> None:
        assert self.kept(torch.eye(4)[:, :2], 0.0) == [0, 1, 2, 3]

    def test_of_twins_the_first_goes(self) -> None:
        assert self.kept(torch.tensor([[1.0, 1], [1, 1], [-1, -1], [-1, -1]])) == [1, 2, 3]


class TestBatchNormScale:
    pruner: Mapping[str, Any] = {
        "class": "BNScaleRankedFilterPruner",
        "weights": ["conv1.weight", "conv2.weight"],
    }

    def scaled(self) -> nn.Module:
        model = tiny_net()
        with torch.no_grad():
            model.bn1.weight.copy_(torch.tensor([0.5, -0.1, 0.2, -0.7]))
            model.bn2.weight.copy_(torch.tensor([3.0, 2.0, 1.0, 1.0, -5.0, 4.0]))
        return model

    def test_the_smallest_scales_of_each_layer_go(self) -> None:
        masks = begun(self.scaled(), **self.pruner, desired_sparsity=0.5).masks

        assert filters_kept(masks["conv1.weight"]) == [0, 3]
        assert filters_kept(masks["conv2.weight"]) == [0, 4, 5]

    def test_filters_of_zeros_go_first(self) -> None:
        model = self.scaled()
        with torch.no_grad():
            model.conv1.weight[3] = 0
        masks = begun(model, **self.pruner, desired_sparsity=0.25).masks

        assert filters_kept(masks["conv1.weight"]) == [0, 1, 2]

    def test_a_convolution_without_batchnorm_is_an_error(self) -> None:
        pruner = {**self.pruner, "weights": ["first.weight"], "desired_sparsity": 0.5}
        with pytest.raises(ScheduleError, match=r"first\.weight has no BatchNorm behind it"):
            begun(Bare([1.0, 2.0]), **pruner)

    def test_folded_into_the_weights_it_prunes_nothing(self) -> None:
        model = self.scaled()
        schedule = pruned_by({**self.pruner, "desired_sparsity": 0.5})
        scheduler = file_config(model, None, schedule, example_input=EXAMPLE)
        model.bn1 = nn.Identity()
        scheduler.store.refresh()
        scheduler.on_epoch_begin(0)

        assert scheduler.masks["conv1.weight"] is None
        assert filters_kept(scheduler.masks["conv2.weight"]) == [0, 4, 5]
