"""Pruners that rank filters by what they show while the network trains."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from decomposition_toys import toy_clip, toy_network
from torch import Tensor
from toy_training import Training, pruned_by, tiny_net

from vcc.compression import file_config
from vcc.errors import ScheduleError

EXAMPLE = torch.zeros(2, 2, 3, 5, 5)
APOZ, MEAN = "ActivationAPoZRankedFilterPruner", "ActivationMeanRankedFilterPruner"


def pruner(class_name: str, *weights: str, **more: Any) -> dict[str, Any]:
    share = {"desired_sparsity": 0.5}
    if class_name.endswith("_AGP"):
        share = {"initial_sparsity": 0.1, "final_sparsity": 0.5}
    return {"class": class_name, "weights": list(weights or ["conv1.weight"]), **share, **more}


def kept(mask: Tensor | None) -> list[int]:
    assert mask is not None
    return mask.flatten(1).any(dim=1).nonzero().flatten().tolist()


def training(class_name: str, *, last: int = 2) -> Training:
    """Return a training in which filters 0 and 1 pass nothing, and 3 passes most."""
    model = tiny_net()
    with torch.no_grad():
        model.bn1.weight.fill_(0.0)
        model.bn1.bias.copy_(torch.tensor([-5.0, -5.0, 1.0, 2.0]))
    model.bn1.requires_grad_(False)
    schedule = pruned_by(pruner(class_name), end=last)
    return Training(schedule, model=model, options={"example_input": EXAMPLE})


@pytest.mark.parametrize("class_name", [APOZ, MEAN, f"{APOZ}_AGP", f"{MEAN}_AGP"])
def test_filters_that_show_nothing_go(class_name: str) -> None:
    done = training(class_name)
    done.run(2)
    assert kept(done.scheduler.masks["conv1.weight"]) == [2, 3]


def test_what_was_seen_goes_on_after_a_restart() -> None:
    done = training(MEAN)
    # Stopped within the first epoch: the next mask counts what came before.
    done.run(2, stop=(0, 2))
    resumed = training(MEAN)
    resumed.restore(done.saved())
    pruners = [each.scheduler.policies[0].pruner for each in (done, resumed)]
    seen = [each.statistics("conv1.weight") for each in pruners]
    assert seen[0] is not None
    assert torch.equal(*seen)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"group_dependency": "Coupled"}, "group_dependency: activations rank no coupled groups"),
        ({"group_type": "Channels"}, "group_type: 'Channels' is not one of Filters, 3D"),
    ],
)
def test_what_activations_cannot_rank_is_refused(more: dict[str, Any], message: str) -> None:
    schedule = pruned_by(pruner(APOZ, "type:Conv3d", **more))
    with pytest.raises(ScheduleError, match=message):
        file_config(tiny_net(), None, schedule, example_input=EXAMPLE)


def test_a_layer_that_comes_later_cannot_be_watched_from_the_start() -> None:
    cube = {"class": "LowRankDecomposer", "weights": ["cube.weight"], "rank": 4}
    schedule = {
        "decomposers": {"cube": cube},
        "pruners": {"p": pruner(MEAN, "cube.0.weight")},
        "policies": [
            {"decomposer": {"instance_name": "cube"}, "epochs": [0]},
            {"pruner": {"instance_name": "p"}, "epochs": [1, 2]},
        ],
    }
    with pytest.raises(ScheduleError, match="watched from the start: rank decomposed layers by"):
        file_config(toy_network(), None, schedule, example_input=toy_clip()[:1])
