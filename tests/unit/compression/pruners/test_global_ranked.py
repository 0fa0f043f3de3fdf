"""One ranking over all layers: what makes layers comparable, its floor, and coupled groups."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models_tiny import tiny_clip, tiny_network
from toy_training import pruned_by, tiny_net

from vcc.compression import file_config
from vcc.compression.masks.selection import keep_highest_of_all
from vcc.compression.pruners.global_ranked import lamp
from vcc.errors import ScheduleError

EXAMPLE = torch.zeros(2, 2, 3, 5, 5)
BOTH = ["conv1.weight", "conv2.weight"]


def kept(first: list[float], second: list[float], **options: Any) -> tuple[list[int], list[int]]:
    """Return which filters of given L1 norms (4 and 6 filters) stay."""
    model = tiny_net()
    with torch.no_grad():
        for conv, norms in ((model.conv1, first), (model.conv2, second)):
            conv.weight.zero_()
            conv.weight[:, 0, 0, 0, 0] = torch.tensor(norms) * conv.weight[0].numel()
    pruner = {
        "class": "L1RankedStructureParameterPruner",
        "group_type": "Filters",
        "ranking": "global",
        "weights": BOTH,
        **options,
    }
    scheduler = file_config(model, None, pruned_by(pruner), example_input=EXAMPLE)
    scheduler.on_epoch_begin(0)
    found = []
    for name in BOTH:
        mask = scheduler.masks[name]
        rows = torch.ones(10) if mask is None else mask.flatten(1).all(dim=1)
        found.append(rows.nonzero().flatten().tolist())
    return found[0], found[1]


class TestNormalizers:
    # means 2.5 and 25: relative 0.4, 0.8, 1.2, 1.6 and 0.04, 0.2, 0.6, 1.0, 1.6, 2.56
    FIRST, SECOND = [1.0, 2, 3, 4], [1.0, 5, 15, 25, 40, 64]

    def test_means(self) -> None:
        assert kept(self.FIRST, self.SECOND, desired_sparsity=0.4) == ([1, 2, 3], [3, 4, 5])

    def test_as_they_are(self) -> None:
        both = kept(self.FIRST, self.SECOND, desired_sparsity=0.4, normalizer="none")
        # of 1 and 1 the first layer's is first; then 2 and 3; 4 stays although 5 does not
        assert both == ([3], [1, 2, 3, 4, 5])

    def test_norms(self) -> None:
        # sqrt(30) = 5.48 and sqrt(6572) = 81.1: 0.18, 0.37, 0.55, 0.73; 0.01, 0.06, 0.18, 0.31
        both = kept(self.FIRST, self.SECOND, desired_sparsity=0.5, normalizer="l2")
        assert both == ([1, 2, 3], [4, 5])

    def test_lamp(self) -> None:
        # 1/30, 4/29, 9/25, 1 and 1/6572, 25/6571, 225/6546, 625/6321, 1600/5696, 1
        both = kept(self.FIRST, self.SECOND, desired_sparsity=0.6, normalizer="lamp")
        assert both == ([2, 3], [4, 5])

    def test_lamp_by_hand(self) -> None:
        scores = lamp(torch.tensor([2.0, 0.0, 1.0, 1.0]))
        torch.testing.assert_close(scores, torch.tensor([1.0, 0, 1 / 6, 1 / 5]).double())
        assert lamp(torch.zeros(3)).tolist() == [0, 0, 0]

    def test_a_layer_of_zeros_is_no_error(self) -> None:
        both = kept([0.0] * 4, self.SECOND, desired_sparsity=0.3)
        assert both == ([3], [0, 1, 2, 3, 4, 5])


class TestFloor:
    def test_a_layer_keeps_one_filter_whatever_its_scores(self) -> None:
        both = kept([9.0] * 4, [0.1] * 6, desired_sparsity=0.5, normalizer="none")
        assert both == ([0, 1, 2, 3], [5])

    def test_or_as_many_as_the_schedule_says(self) -> None:
        options = {"desired_sparsity": 0.9, "normalizer": "none", "most_per_layer": 0.5}
        # 9 are asked for, 2 and 3 allowed
        assert kept([9.0, 1, 8, 2], [0.1] * 6, **options) == ([0, 2], [3, 4, 5])

    @pytest.mark.parametrize("share", [0.0, 0.09])
    def test_a_share_of_less_than_one_filter_prunes_nothing(self, share: float) -> None:
        every = list(range(10))
        assert kept([1.0] * 4, [1.0] * 6, desired_sparsity=share) == (every, every)

    @given(
        sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
        share=st.floats(0, 1),
        most=st.floats(0, 1),
        seed=st.integers(0, 99),
    )
    @settings(max_examples=200, deadline=None)
    def test_the_count_is_exact_within_the_floors(
        self, sizes: list[int], share: float, most: float, seed: int
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        # few different values: ties everywhere
        scores = [torch.randint(3, (n,), generator=generator).float() for n in sizes]
        keeps = keep_highest_of_all(scores, share, most_per_layer=most)
        allowed = sum(min(n - 1, int(most * n)) for n in sizes)
        n, pruned = sum(sizes), sum(int((~keep).sum()) for keep in keeps)
        assert pruned == min(int(share * n) - (int(share * n) == n and share != 1), allowed)
        for score, keep in zip(scores, keeps, strict=True):
            assert bool(keep.any())
            assert int((~keep).sum()) <= most * len(keep)
            if bool((~keep).any()):
                assert score[~keep].max() <= score[keep].min()


class TestCoupled:
    @pytest.mark.parametrize("variant", ["resnet10a", "csn26ip", "mobilenetv2"])
    def test_members_of_a_group_agree_and_thinning_removes_them(self, variant: str) -> None:
        torch.manual_seed(0)
        model, clip = tiny_network(variant), tiny_clip()
        schedule = {
            "pruners": {
                "filters": {
                    "class": "BNScaleRankedFilterPruner",
                    "desired_sparsity": 0.5,
                    "ranking": "global",
                    "most_per_layer": 0.8,
                    "group_dependency": "Coupled",
                    "weights": ["type:Conv3d"],
                }
            },
            "extensions": {"thinner": {"class": "FilterRemover"}},
            "policies": [
                {"pruner": {"instance_name": "filters"}, "epochs": [0]},
                {"extension": {"instance_name": "thinner"}, "epochs": [0]},
            ],
        }
        scheduler = file_config(model, None, schedule, example_input=clip, mask_coupled=True)
        before = {name: p.shape[0] for name, p in model.named_parameters() if p.dim() == 5}
        scheduler.begin_seam(0)
        report = scheduler.policies[1].reports[0]
        shares = {name: 1 - model.get_parameter(name).shape[0] / n for name, n in before.items()}

        assert all(row.left == 0 for row in report.rows)
        assert max(shares.values()) <= 0.8
        assert len(set(shares.values())) > 2, "layers differ in what they lose"


ERRORS = {
    "needs ranking: global": {"normalizer": "l2"},
    "most_per_layer: needs ranking: global": {"most_per_layer": 0.5},
    "takes Filters or Channels": {
        "ranking": "global",
        "group_type": "Blocks",
        "kwargs": {"block_shape": [2, 1, 1, 1]},
    },
    "has no leader": {"ranking": "global", "group_dependency": "Leader"},
    "takes single structures": {"ranking": "global", "group_size": 2},
    "did you mean global": {"ranking": "globl"},
}


@pytest.mark.parametrize("words", ERRORS)
def test_what_does_not_go_together_is_an_error_with_its_place(words: str) -> None:
    pruner = {
        "class": "L1RankedStructureParameterPruner",
        "group_type": "Filters",
        "desired_sparsity": 0.5,
        "weights": BOTH,
        **ERRORS[words],
    }
    with pytest.raises(ScheduleError, match=words):
        file_config(tiny_net(), None, pruned_by(pruner), example_input=EXAMPLE)
