"""Blocks of other networks lose every channel that is masked, and compute what they did."""

from __future__ import annotations

import pytest
import torch
import torch_pruning as tp
from networks.blocks import BLOCKS, Network, of_blocks
from torch import Tensor, nn

from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace import trace_channels
from vcc.compression.engine.builder import file_config
from vcc.compression.thinning.group_masks import group_masks
from vcc.compression.thinning.remove import thin_
from vcc.compression.thinning.report import ThinningReport

SCHEDULE = {
    "pruners": {
        "filters": {
            "class": "L1RankedStructureParameterPruner",
            "group_type": "Filters",
            "group_dependency": "Coupled",
            "desired_sparsity": 0.5,
            "weights": ["type:Conv3d", "type:Linear"],
        }
    },
    "extensions": {"thinner": {"class": "FilterRemover"}},
    "policies": [
        {"pruner": {"instance_name": "filters"}, "epochs": [0]},
        {"extension": {"instance_name": "thinner"}, "epochs": [1]},
    ],
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def clip() -> Tensor:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 4, 16, 16, generator=draw, dtype=torch.float64)


def half_masked(network: Network) -> dict[str, Tensor]:
    """Mask half of every group of channels, with what is theirs."""
    groups = trace_channels(network, clip())
    masks = group_masks(groups, lambda _: 0.5)
    zero_filters_(network, masks, groups)
    return masks


def thinned(network: Network) -> ThinningReport:
    """Thin a network that is half masked, and compare its outputs."""
    masks = half_masked(network)
    with torch.no_grad():
        before = network(clip())
        report = thin_(network, masks, clip()[:1])
        assert torch.allclose(network(clip()), before, rtol=0, atol=1e-9)
    return report


@pytest.mark.parametrize("name", BLOCKS)
def test_half_of_the_channels_leave_as_with_torch_pruning(name: str) -> None:
    network, other = of_blocks(name), of_blocks(name)
    report = thinned(network)
    pruner = tp.pruner.MagnitudePruner(
        other, clip(), tp.importance.RandomImportance(), pruning_ratio=0.5,
        ignored_layers=[other.fc],
    )  # fmt: skip
    pruner.step()

    assert report.removed == sum(row.asked for row in report.rows)
    assert filters(network) <= filters(other)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_schedule_masks_what_filters_own_together(name: str) -> None:
    network = of_blocks(name)
    scheduler = file_config(network, None, SCHEDULE, mask_coupled=True, example_input=clip()[:1])
    scheduler.on_epoch_begin(0)
    scheduler.on_epoch_end(0)
    scheduler.store.apply_once(scheduler.store.states)
    with torch.no_grad():
        masked = network(clip())
        scheduler.begin_seam(1)
        assert torch.allclose(network(clip()), masked, rtol=0, atol=1e-9)
    (report,) = scheduler.policies[1].reports
    assert report.removed > 0
    assert all(row.left == 0 for row in report.rows)


def filters(network: nn.Module) -> int:
    makers = (each for each in network.modules() if isinstance(each, nn.Conv3d | nn.Linear))
    return sum(len(each.weight) for each in makers)


def test_channels_of_a_thinned_norm_leave_again() -> None:
    network = of_blocks("GroupNorm")
    thinned(network)
    width = network.blocks[0].c1.out_channels
    assert thinned(network).removed > 0
    assert network.blocks[0].c1.out_channels == width // 2


def test_a_filter_that_is_zero_but_not_masked_hides_nothing() -> None:
    network = of_blocks("post-activation")
    with torch.no_grad():
        network.blocks[0].n2.weight.zero_()
        network.blocks[0].n2.bias.zero_()
    mask = torch.ones_like(network.stem.weight)
    mask[:2] = 0
    with torch.no_grad():
        network.stem.weight *= mask

    report = thin_(network, {"stem.weight": mask}, clip()[:1])

    assert report.removed == 0
    assert "coupled with blocks.0.c2, which keeps the channel" in report.rows[0].why
