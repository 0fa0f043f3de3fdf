"""Cuts are tried on a copy: groups whose loss would change an output stay, the others go."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.channels.group_state import GroupState, find_group_state
from vcc.compression.channels.trace import trace_channels
from vcc.compression.channels.zeros import zeros_read
from vcc.compression.thinning import checked
from vcc.compression.thinning.checked import harmless
from vcc.compression.thinning.slicing import LayerCut

CLIP = torch.randn(2, 2, 3, 3)


def network() -> nn.Sequential:
    """Return three convolutions of four filters and a classifying one."""
    return nn.Sequential(*(nn.Conv2d(2 if n == 0 else 4, 4, 1, bias=False) for n in range(4)))


def setting(model: nn.Module) -> tuple[dict[str, Tensor], list[GroupState]]:
    """Return masks of filter 1 of the first three layers, and what can go."""
    masks, filters = {}, {}
    for name in ("0", "1", "2"):
        weight = model.get_submodule(name).weight
        masks[f"{name}.weight"] = torch.ones_like(weight)
        masks[f"{name}.weight"][1] = 0
        filters[name] = torch.tensor([False, True, False, False])
        with torch.no_grad():
            weight[1] = 0
    groups = trace_channels(model, CLIP)
    zeros = zeros_read(model, filters, CLIP)
    return masks, [find_group_state(group, filters, zeros) for group in groups]


def cuts(states: Sequence[GroupState], wrong: str = "") -> Mapping[str, LayerCut]:
    """Return the cuts of what can go; of one layer another filter is cut than the masked one."""
    outputs: dict[str, Tensor] = {}
    inputs: dict[str, Tensor] = {}
    for state in states:
        if not state.removable.any():
            continue
        for member in state.group.members:
            kept = member.indices[~state.removable]
            if member.reads:
                inputs[member.name] = kept
            else:
                outputs[member.name] = kept - 1 if member.name == wrong else kept
                outputs[member.name] = outputs[member.name].clamp(min=0)
    return {
        name: LayerCut(outputs=outputs.get(name), inputs=inputs.get(name))
        for name in outputs.keys() | inputs.keys()
    }


def removable(states: Sequence[GroupState]) -> list[int]:
    return [int(state.removable.sum()) for state in states]


def test_what_changes_nothing_may_go() -> None:
    model = network()
    masks, states = setting(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert removable(harmless(model, masks, CLIP, states, cuts)) == [1, 1, 1, 0]
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert model[0].out_channels == 4


@pytest.mark.parametrize("wrong", ["0", "1", "2"])
def test_the_group_to_blame_stays_with_its_reason(
    wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = network()
    masks, states = setting(model)
    with caplog.at_level(logging.WARNING):
        found = harmless(model, masks, CLIP, states, lambda tried: cuts(tried, wrong))
    assert removable(found) == [int(name != wrong) for name in "012"] + [0]
    (blamed,) = (state for state in found if state.group.obstacle)
    assert [member.name for member in blamed.group.writers] == [wrong]
    assert blamed.group.obstacle.startswith("the network computes something else without (its out")
    assert caplog.messages[0].startswith(f"the channels of {wrong} stay: without the masked ones")


def test_a_cut_that_cannot_be_made_is_a_reason_too() -> None:
    model = network()
    masks, states = setting(model)

    def broken(tried: Sequence[GroupState]) -> Mapping[str, LayerCut]:
        found = dict(cuts(tried))
        if "1" in found and found["1"].outputs is not None:
            msg = "no such layer\nat all"
            raise RuntimeError(msg)
        return found

    found = harmless(model, masks, CLIP, states, broken)
    assert removable(found) == [1, 0, 1, 0]
    assert "(it cannot be cut: no such layer" in found[1].group.obstacle
    assert "\n" not in found[1].group.obstacle


def test_a_search_ends_and_says_what_it_did_not_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "_MOST_TRIALS", 2)
    model = network()
    masks, states = setting(model)
    found = harmless(model, masks, CLIP, states, lambda tried: cuts(tried, "2"))
    assert removable(found) == [0, 0, 0, 0]
    assert all("not all of them could be tried" in s.group.obstacle for s in found[:3])


def test_what_watches_the_network_does_not_see_the_copy() -> None:
    model = network()
    masks, states = setting(model)
    seen: list[int] = []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    model[0].register_forward_pre_hook(lambda *_: seen.append(1))
    harmless(model, masks, CLIP, states, cuts)
    assert not seen
