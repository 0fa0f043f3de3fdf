"""Temporal slices: which positions of kernels are masked, and that cutting them is lossless."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from models_tiny import FEW_KINDS, tiny_clip, tiny_network
from torch import Tensor, nn
from toy_training import pruned_by, tiny_net

from vcc.compression import file_config
from vcc.compression.masks.selection import keep_window
from vcc.compression.thinning.remove import thin_
from vcc.errors import ScheduleError
from vcc.models import count_macs, count_parameters, load_checkpoint, save_checkpoint

EXAMPLE = torch.zeros(2, 2, 3, 5, 5)


def slices_of(weight: Tensor, keep: list[int]) -> Tensor:
    """Return a mask of a kernel's positions in time."""
    mask = torch.zeros_like(weight, dtype=torch.bool)
    mask[:, :, keep] = True
    return mask


def silence(model: nn.Module, masks: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, mask in masks.items():
            model.get_parameter(name).mul_(mask)


class TestSelection:
    @pytest.mark.parametrize(
        ("scores", "pruned", "kept"),
        [
            ([3, 5, 4], 1, [1, 2]),
            ([4, 5, 3], 1, [0, 1]),
            ([9, 1, 2], 2, [1]),
            ([2, 5, 2], 1, [0, 1]),
            ([2, 5, 2], 0, [0, 1, 2]),
            ([2, 5, 2], 3, []),
            ([9, 9, 1, 1, 1, 1, 1], 4, [1, 2, 3]),
            ([1, 1, 1, 1, 1, 1, 1], 4, [2, 3, 4]),
            ([1, 1, 1, 1, 1, 1, 1], 3, [1, 2, 3, 4]),
            ([1, 9], 1, [0]),
        ],
    )
    def test_neighbours_round_the_middle_stay(
        self, scores: list[float], pruned: int, kept: list[int]
    ) -> None:
        keep = keep_window(torch.tensor(scores, dtype=torch.float), pruned)
        assert keep.nonzero().flatten().tolist() == kept

    def masked(self, model: nn.Module, **pruner: Any) -> dict[str, Tensor | None]:
        schedule = pruned_by({"group_type": "TemporalSlices", **pruner})
        scheduler = file_config(model, None, schedule, example_input=EXAMPLE)
        scheduler.on_epoch_begin(0)
        return scheduler.masks

    def test_all_filters_of_a_layer_share_the_slices_of_least_weight(self) -> None:
        model = tiny_net()
        with torch.no_grad():
            model.conv1.weight[:, :, 0] *= 0.1
            model.conv2.weight[:, :, 2] *= 0.1
        masks = self.masked(
            model,
            **{"class": "L1RankedStructureParameterPruner"},
            desired_sparsity=0.34,
            weights=["conv1.weight", "conv2.weight"],
        )

        assert torch.equal(masks["conv1.weight"], slices_of(model.conv1.weight, [1, 2]))
        assert torch.equal(masks["conv2.weight"], slices_of(model.conv2.weight, [0, 1]))

    @pytest.mark.parametrize("share", [0.0, 0.3])
    def test_a_share_of_less_than_a_slice_prunes_nothing(self, share: float) -> None:
        masks = self.masked(
            tiny_net(),
            **{"class": "L2RankedStructureParameterPruner"},
            desired_sparsity=share,
            weights=["conv1.weight"],
        )
        assert masks["conv1.weight"] is None

    def test_taylor_ranks_them_by_their_own_gradients(self) -> None:
        model = tiny_net()
        schedule = pruned_by(
            {
                "class": "TaylorRankedFilterPruner",
                "group_type": "TemporalSlices",
                "desired_sparsity": 0.34,
                "weights": ["conv1.weight"],
            }
        )
        scheduler = file_config(model, None, schedule, example_input=EXAMPLE)
        scheduler.on_epoch_begin(0)
        scheduler.on_minibatch_begin(0, 0, 1)
        model.conv1.weight.grad = torch.ones_like(model.conv1.weight)
        with torch.no_grad():
            model.conv1.weight.copy_(torch.tensor([1.0, 2.0, -3.0]).view(3, 1, 1))
        scheduler.before_backward_pass(0, 0, 1, torch.zeros(()))
        scheduler.before_parameter_optimization(0, 0, 1)
        scheduler.on_minibatch_end(0, 0, 1)
        scheduler.on_epoch_end(0)
        scheduler.on_epoch_begin(1)

        assert torch.equal(scheduler.masks["conv1.weight"], slices_of(model.conv1.weight, [1, 2]))

    @pytest.mark.parametrize(
        ("words", "more"),
        [
            ("fc.weight: TemporalSlices needs the 5-dim", {"weights": ["fc.weight"]}),
            ("go one by one", {"group_size": 2}),
            ("Coupled prunes Filters only", {"group_dependency": "Coupled"}),
            ("takes Filters or Channels", {"ranking": "global"}),
        ],
    )
    def test_what_does_not_fit_is_an_error(self, words: str, more: dict[str, Any]) -> None:
        pruner = {
            "class": "L1RankedStructureParameterPruner",
            "desired_sparsity": 0.5,
            "weights": ["conv1.weight"],
            **more,
        }
        with pytest.raises(ScheduleError, match=words):
            self.masked(tiny_net(), **pruner)


class TestCutting:
    @given(
        kernel=st.integers(1, 5),
        padding=st.integers(0, 3),
        stride=st.integers(1, 3),
        dilation=st.integers(1, 2),
        window=st.tuples(st.integers(0, 4), st.integers(1, 5)),
        groups=st.sampled_from([1, 2, 4]),
    )
    @settings(max_examples=60, deadline=None)
    def test_a_cut_kernel_gives_what_the_masked_one_gave(
        self,
        kernel: int,
        padding: int,
        stride: int,
        dilation: int,
        window: tuple[int, int],
        groups: int,
    ) -> None:
        start, end = window[0], min(kernel, window[0] + window[1])
        assume(start < end)
        conv = nn.Conv3d(
            4,
            4,
            (kernel, 3, 3),
            stride=(stride, 2, 1),
            padding=(padding, 1, 0),
            dilation=(dilation, 1, 1),
            groups=groups,
        )
        model = nn.Sequential(conv, nn.Conv3d(4, 2, 1)).double().eval()
        masks = {"0.weight": slices_of(conv.weight, list(range(start, end)))}
        silence(model, masks)
        clip = torch.randn(2, 4, 9, 5, 5, dtype=torch.float64)
        expected = model(clip)
        report = thin_(model, masks, clip)

        assert conv.kernel_size == (end - start, 3, 3)
        assert conv.weight.shape[2] == end - start
        torch.testing.assert_close(model(clip), expected, rtol=0, atol=1e-12)
        assert dict(report.kernels) == (
            {} if end - start == kernel else {"0": (kernel, end - start)}
        )

    def test_both_ends_leave_an_ordinary_convolution(self) -> None:
        model = tiny_net()
        masks = {"conv1.weight": slices_of(model.conv1.weight, [1])}
        silence(model, masks)
        report = thin_(model, masks, EXAMPLE)

        assert (model.conv1.padding, model.conv1.padding_mode) == ((0, 1, 1), "zeros")
        assert "conv1: kernel in time 3 -> 1" in report.as_text()

    def test_a_slice_that_a_single_filter_keeps_stays(self) -> None:
        model = tiny_net()
        mask = slices_of(model.conv1.weight, [1])
        mask[3, 0, 0, 2, 2] = True
        silence(model, {"conv1.weight": mask})
        thin_(model, {"conv1.weight": mask}, EXAMPLE)

        assert model.conv1.kernel_size == (2, 3, 3)

    @pytest.mark.parametrize("keep", [[0, 2], []])
    def test_the_middle_of_a_kernel_and_a_masked_layer_stay(self, keep: list[int]) -> None:
        model = tiny_net()
        masks = {"conv1.weight": slices_of(model.conv1.weight, keep)}
        silence(model, masks)

        assert not thin_(model, masks, EXAMPLE).kernels
        assert model.conv1.kernel_size == (3, 3, 3)

    def test_the_optimizer_goes_on_with_its_momentum(self) -> None:
        model = tiny_net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        model(torch.randn_like(EXAMPLE)).sum().backward()
        optimizer.step()
        momentum = optimizer.state[model.conv2.weight]["momentum_buffer"].clone()
        masks = {"conv2.weight": slices_of(model.conv2.weight, [0, 1])}
        silence(model, masks)
        thin_(model, masks, EXAMPLE, optimizer=optimizer)

        left = optimizer.state[model.conv2.weight]["momentum_buffer"]
        assert torch.equal(left, momentum[:, :, :2])
        model(torch.randn_like(EXAMPLE)).sum().backward()
        optimizer.step()

    @pytest.mark.parametrize("variant", FEW_KINDS)
    def test_networks_with_slices_and_filters_removed(self, variant: str, tmp_path: Any) -> None:
        torch.manual_seed(0)
        model, clip = tiny_network(variant), tiny_clip(variant)
        schedule = {
            "pruners": {
                "slices": {
                    "class": "L1RankedStructureParameterPruner",
                    "group_type": "TemporalSlices",
                    "desired_sparsity": 0.34,
                    "weights": ["type:Conv3d"],
                },
                "filters": {
                    "class": "L1RankedStructureParameterPruner",
                    "group_type": "Filters",
                    "group_dependency": "Coupled",
                    "desired_sparsity": 0.4,
                    "weights": ["type:Conv3d"],
                },
            },
            "extensions": {"thinner": {"class": "FilterRemover"}},
            "policies": [
                {"pruner": {"instance_name": "slices"}, "epochs": [0]},
                {"extension": {"instance_name": "thinner"}, "epochs": [1]},
                {"pruner": {"instance_name": "filters"}, "epochs": [2]},
                {"extension": {"instance_name": "thinner"}, "epochs": [3]},
            ],
        }
        scheduler = file_config(model, None, schedule, example_input=clip, mask_coupled=True)
        macs, parameters = count_macs(model), count_parameters(model)
        for epoch in range(4):
            scheduler.begin_seam(epoch)
            scheduler.store.apply_for_forward()
            before = model(clip)
            scheduler.on_epoch_begin(epoch)
            scheduler.on_epoch_end(epoch)
            torch.testing.assert_close(model(clip), before, rtol=1e-9, atol=1e-9)
        kernels = {m.kernel_size[0] for m in model.modules() if isinstance(m, nn.Conv3d)}

        assert 2 in kernels
        assert 3 not in kernels
        assert count_macs(model) < 0.6 * macs
        assert count_parameters(model) < 0.6 * parameters
        again = load_checkpoint(save_checkpoint(tmp_path / "cut", model, {})).model
        assert torch.equal(again(clip), model(clip))
