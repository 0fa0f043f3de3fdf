"""A schedule bound to a network: what parts are built with, and problems with their place."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from decomposition_toys import toy_clip, toy_network
from torch import Tensor, nn
from toy_training import tiny_net

from vcc.compression.binding import BuildContext, Gate, Site
from vcc.compression.schedule.loader import load_schedule
from vcc.errors import ScheduleError

EXAMPLE = torch.zeros(2, 2, 3, 5, 5)


def pruner(*weights: str) -> dict[str, Any]:
    return {
        "class": "L1RankedStructureParameterPruner",
        "group_type": "Filters",
        "desired_sparsity": 0.5,
        "weights": list(weights),
    }


def acting(kind: str, name: str, *epochs: int) -> dict[str, Any]:
    return {kind: {"instance_name": name}, "epochs": list(epochs)}


SCHEDULE: dict[str, Any] = {
    "pruners": {"p": pruner("conv1.weight")},
    "policies": [acting("pruner", "p", 0)],
}


def bound(
    model: nn.Module, schedule: dict[str, Any] = SCHEDULE, example: Tensor | None = EXAMPLE
) -> BuildContext:
    return BuildContext(model, load_schedule(schedule), example)


def site(network: BuildContext) -> Site:
    (part,) = (part for part in network.schedule.components if part.section == "pruners")
    return Site(network, part)


def test_names_and_selectors_become_parameters_and_strangers_problems_with_their_place() -> None:
    network = bound(tiny_net())
    here = site(network)
    assert here.names(["type:Conv3d"]) == ("conv1.weight", "conv2.weight")
    assert here.table({"conv1.weight": 0.1, "fc.*": 0.5}, "thresholds")["conv1.weight"] == 0.1
    assert not [each for each in network.problems if "conv1" in each.split(": ")[1]]
    before = len(network.problems)
    here.names(["cnv1.weight"])
    here.problem("thresholds", "are odd", "conv1.weight")
    unknown, odd = network.problems[before:]
    assert unknown.startswith("pruners.p.weights: ")
    assert "conv1.weight" in unknown, "the nearest name"
    assert odd == "pruners.p.thresholds.conv1.weight: are odd"


def test_an_example_is_what_was_given_or_what_the_network_says_of_itself() -> None:
    model = tiny_net()
    assert bound(model).example_input("thinning") is EXAMPLE
    nameless = bound(model, example=None)
    assert nameless.known_batchnorms() == {}
    with pytest.raises(ScheduleError, match="thinning needs to trace .* an example_input"):
        nameless.example_input("thinning")
    model = model.double()
    model.input_shape = (1, 2, 3, 5, 5)
    example = bound(model, example=None).example_input("thinning")
    assert (example.shape, example.dtype) == ((1, 2, 3, 5, 5), torch.float64)


def test_filters_pass_gates_and_fold_them() -> None:
    model = tiny_net()
    with torch.no_grad():
        model.bn1.weight.copy_(torch.tensor([1.0, 2.0, -3.0, 0.0]))
    network = bound(model)
    assert network.known_batchnorms() == {"conv1": "bn1", "conv2": "bn2"}
    assert network.gates("a pruner")["conv1.weight"] == Gate("bn1.weight", "bn1.bias")
    folded = network.folded_weight()
    scale = (1 + model.bn1.eps) ** -0.5
    expected = model.conv1.weight * scale * model.bn1.weight.view(-1, 1, 1, 1, 1)
    torch.testing.assert_close(folded("conv1.weight"), expected)
    assert torch.equal(folded("fc.weight"), model.fc.weight)
    assert network.coupled_parameters()["conv2.weight"] == ("conv2.bias", "bn2.weight", "bn2.bias")
    assert network.filter_groups() == [("conv1.weight",), ("conv2.weight",)]


def test_channels_are_traced_once_for_all_that_is_built() -> None:
    network = bound(tiny_net())
    assert network.channel_groups().groups() is network.channels.groups()


def decomposed(*weights: str, epochs: tuple[int, ...]) -> Site:
    schedule = {
        "decomposers": {
            "cube": {"class": "LowRankDecomposer", "weights": ["cube.weight"], "rank": 4}
        },
        "pruners": {"p": pruner(*weights)},
        "policies": [acting("decomposer", "cube", 1), acting("pruner", "p", *epochs)],
    }
    return site(bound(toy_network(), schedule, toy_clip()[:1]))


def test_names_are_those_of_the_first_epoch_of_use() -> None:
    before, after = decomposed("cube.weight", epochs=(0,)), decomposed("cube.weight", epochs=(2,))
    assert before.names(["cube.weight"]) == ("cube.weight",)
    assert not before.network.problems
    inner = [name for name in after.network.resolver.parameters if name.startswith("cube.")]
    assert inner
    assert "cube.weight" not in inner
    after.names(["cube.weight"])
    assert "cube.weight" in after.network.problems[0]
    # What is told apart here is a copy: the network itself is as it was.
    assert "cube.weight" in dict(after.network.model.named_parameters())


def test_a_name_that_goes_while_it_is_used_is_a_problem() -> None:
    here = decomposed("cube.weight", epochs=(0, 1, 2))
    here.names(["cube.weight"])
    assert here.network.problems == [
        "pruners.p.weights: cube.weight is decomposed within these epochs: end them before, or "
        "begin them after it"
    ]
