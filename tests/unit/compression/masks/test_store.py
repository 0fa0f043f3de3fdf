"""Masks as state: they hold after steps, follow what is coupled, and survive being saved."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.masks.store import MaskState, MaskStore
from vcc.errors import ScheduleError

COUPLED = {"0.weight": ("0.bias", "1.weight", "1.bias")}


@pytest.fixture
def model() -> nn.Sequential:
    """Return a convolution of two filters and its BatchNorm, all ones."""
    made = nn.Sequential(nn.Conv3d(1, 2, 1), nn.BatchNorm3d(2))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(1.0)
    return made


def first_filter() -> Tensor:
    return torch.tensor([True, False]).reshape(2, 1, 1, 1, 1)


def weights(model: nn.Module, name: str = "0.weight") -> list[float]:
    values: list[float] = dict(model.named_parameters())[name].flatten().tolist()
    return values


def test_a_mask_holds_after_every_step(model: nn.Sequential) -> None:
    store = MaskStore(model)
    store.set("0.weight", first_filter())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        store.apply_for_forward()
        model(torch.randn(2, 1, 1, 2, 2)).square().sum().backward()
        optimizer.step()
        store.apply_after_step()
    assert weights(model)[1] == 0.0
    assert weights(model)[0] != 0.0


def test_a_forward_only_mask_lets_weights_grow(model: nn.Sequential) -> None:
    store = MaskStore(model)
    store.configure(["0.weight"], forward_only=True, double_copies=False)
    store.set("0.weight", first_filter())
    store.apply_for_forward()
    assert weights(model) == [1.0, 0.0]
    model[0].weight.data.fill_(2.0)
    store.apply_after_step()
    assert weights(model) == [2.0, 2.0]


def test_double_copies_give_the_optimizer_the_dense_weights(model: nn.Sequential) -> None:
    store = MaskStore(model)
    store.configure(["0.weight"], forward_only=False, double_copies=True)
    store.set("0.weight", first_filter())
    store.apply_for_forward()
    assert weights(model) == [1.0, 0.0]
    store.restore_dense()
    assert weights(model) == [1.0, 1.0]


def test_what_is_coupled_goes_with_a_whole_filter_only(model: nn.Sequential) -> None:
    store = MaskStore(model, coupled=COUPLED)
    store.set("0.weight", first_filter())
    store.apply_after_step()
    assert [weights(model, name) for name in COUPLED["0.weight"]] == [[1.0, 0.0]] * 3
    # followers are no part of `masks`
    assert [name for name, mask in store.masks.items() if mask is not None] == ["0.weight"]

    model[1].weight.data.fill_(1.0)
    store.set("0.weight", torch.ones_like(first_filter()))
    store.apply_after_step()
    assert weights(model, "1.weight") == [1.0, 1.0]


def test_averaged_weights_are_masked_by_name(model: nn.Sequential) -> None:
    store = MaskStore(model)
    store.set("0.weight", first_filter())
    averaged = nn.Sequential(nn.Conv3d(1, 2, 1))
    averaged[0].weight.data.fill_(5.0)
    store.apply_to(averaged)
    assert weights(averaged) == [5.0, 0.0]


def test_gradients_are_masked_until_they_are_not(model: nn.Sequential) -> None:
    store = MaskStore(model)
    store.set("0.weight", first_filter())
    parameter = store.parameters["0.weight"]
    store.mask_gradients(["0.weight"])
    parameter.sum().backward()
    assert parameter.grad is not None
    assert parameter.grad.flatten().tolist() == [1.0, 0.0]
    parameter.grad = None
    store.unmask_gradients(["0.weight"])
    parameter.sum().backward()
    assert parameter.grad is not None
    assert parameter.grad.flatten().tolist() == [1.0, 1.0]


def test_permanent_masks_forget_the_dense_weights(model: nn.Sequential) -> None:
    store = MaskStore(model)
    store.configure(["0.weight"], forward_only=False, double_copies=True)
    store.set("0.weight", first_filter())
    store.apply_for_forward()
    store.make_permanent()
    store.restore_dense()
    assert weights(model) == [1.0, 0.0]


def test_a_refresh_cuts_masks_to_the_new_structure(model: nn.Sequential) -> None:
    store = MaskStore(model)
    store.set("0.weight", first_filter())
    model[0] = nn.Conv3d(1, 1, 1)
    store.refresh(lambda _, mask: mask[:1])
    assert store.parameters["0.weight"] is model[0].weight
    mask = store.masks["0.weight"]
    assert mask is not None
    assert mask.shape == (1, 1, 1, 1, 1)


def test_saved_masks_come_back_with_their_flags_and_followers(model: nn.Sequential) -> None:
    store = MaskStore(model, coupled=COUPLED)
    store.configure(["0.weight"], forward_only=False, double_copies=True)
    store.set("0.weight", first_filter())
    store.mask_gradients(["0.weight"])
    store.apply_for_forward()
    saved = store.state_dict()

    other = MaskStore(model, coupled=COUPLED)
    other.load_state_dict(saved)
    assert other.state_dict()["flags"] == saved["flags"]
    assert other.state_dict()["gradients_masked"] == ["0.weight"]
    other.restore_dense()
    assert weights(model) == [1.0, 1.0]
    other.apply_once(["0.weight"])
    assert weights(model, "1.bias") == [1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [("9.weight", (2, 1, 1, 1, 1), "fits no parameter"), ("0.weight", (3, 1, 1, 1, 1), "rebuild")],
)
def test_a_mask_of_another_network_is_refused(
    model: nn.Sequential, name: str, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ScheduleError, match=message):
        MaskStore(model).load_state_dict({"masks_dict": {name: torch.ones(shape)}})


def test_a_factor_has_the_type_of_its_parameter_and_follows_the_mask() -> None:
    state = MaskState()
    parameter = torch.ones(2, dtype=torch.float64)
    assert state.factor_for(parameter) is None
    state.mask = torch.tensor([True, False])
    factor = state.factor_for(parameter)
    assert factor is not None
    assert (factor.dtype, factor.tolist()) == (torch.float64, [1.0, 0.0])
    assert state.factor_for(parameter) is factor
    half = state.factor_for(parameter.half())
    assert half is not None
    assert half.dtype is torch.float16


def test_what_filters_own_together_is_masked_and_cut_with_them():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    asked = []

    def joint(masked):
        asked.append({name: filters.tolist() for name, filters in masked.items()})
        return {"1.weight": ~masked["0"]} if "0" in masked else {}

    store = MaskStore(net, coupled={"0.weight": (), "2.weight": ()}, joint=joint)
    keep = torch.ones(3, 2, dtype=torch.bool)
    keep[1] = False
    store.set("0.weight", keep)
    store.apply_for_forward()
    assert net[1].weight.tolist() == [1, 0, 1]
    assert asked == [{"0": [False, True, False]}]

    net[1].weight = nn.Parameter(torch.ones(2))
    store.refresh(lambda name, mask: mask[:2] if name == "1.weight" else mask)
    store.apply_for_forward()
    assert net[1].weight.tolist() == [1, 0]
    store.set("0.weight", None)
    net[1].weight.data.fill_(1)
    store.apply_for_forward()
    assert net[1].weight.tolist() == [1, 1]
