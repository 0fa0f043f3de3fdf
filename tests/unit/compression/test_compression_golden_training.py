"""Training trajectories, learning rates and regularizers against the original package."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from compression_goldens import array, array_keys, bag, from_yaml, golden, golden_ids
from torch import Tensor, nn

from vcc.compression import CompressionScheduler, file_config
from vcc.errors import ScheduleError

MEANT_TO_DIFFER = "train_forward_only_keep_freq2_even"


class TinyConv3d(nn.Module):
    """The network of the golden trajectories."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(2, 4, 3, padding=1)
        self.conv2 = nn.Conv3d(4, 6, (1, 3, 3), padding=(0, 1, 1))
        self.fc = nn.Linear(6, 5)

    def forward(self, clip: Tensor) -> Tensor:
        features = torch.relu(self.conv2(torch.relu(self.conv1(clip))))
        logits: Tensor = self.fc(features.mean(dim=(2, 3, 4)))
        return logits


def train(case: str) -> tuple[list[float], list[list[float]], nn.Module, CompressionScheduler]:
    model = TinyConv3d()
    prefix = "train/init/"
    model.load_state_dict({key[len(prefix) :]: array(key) for key in array_keys(prefix)})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    scheduler = file_config(model, optimizer, from_yaml(golden(case)["yaml"]))
    clips, labels = array("train/X"), array("train/Y")
    losses, sparsity = [], []
    for epoch in range(4):
        scheduler.on_epoch_begin(epoch)
        for i in range(3):
            batch = slice(i * 4, i * 4 + 4)
            scheduler.on_minibatch_begin(epoch, i, 3)
            loss = nn.functional.cross_entropy(model(clips[batch]), labels[batch])
            losses.append(float(loss.detach()))
            loss, _ = scheduler.before_backward_pass(epoch, i, 3, loss)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            scheduler.before_parameter_optimization(epoch, i, 3, optimizer)
            optimizer.step()
            scheduler.on_minibatch_end(epoch, i, 3, optimizer)
            zeros = [float((w == 0).float().mean()) for w in (model.conv1.weight, model.fc.weight)]
            sparsity.append(zeros)
        scheduler.on_epoch_end(epoch)
    return losses, sparsity, model, scheduler


@pytest.mark.parametrize("case", golden_ids("train_", without=(MEANT_TO_DIFFER,)))
def test_trajectory(case: str) -> None:
    expected = golden(case)["expected"]
    losses, sparsity, model, scheduler = train(case)
    assert losses == pytest.approx(expected["losses"], rel=1e-4)
    for ours, theirs in zip(sparsity, expected["sparsity_after_each_minibatch"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)
    for name, key in expected["final"].items():
        torch.testing.assert_close(
            model.get_parameter(name).detach(), array(key), rtol=1e-4, atol=1e-5
        )
    for name, key in expected["masks"].items():
        mask = scheduler.masks[name]
        assert (mask is None) == (key is None)
        assert mask is None or torch.equal(mask.float(), array(key).float())


def learning_rates(schedule: Any, *, metric: float = 1.0) -> list[float]:
    parameter = nn.Parameter(torch.zeros(1))
    model = nn.Module()
    model.register_parameter("w", parameter)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = file_config(model, optimizer, schedule)
    used = []
    for epoch in range(8):
        scheduler.on_epoch_begin(epoch)
        used.append(optimizer.param_groups[0]["lr"])
        scheduler.on_epoch_end(epoch, metrics={"min": metric, "max": metric})
    return used


@pytest.mark.parametrize("case", golden_ids("lr_"))
def test_learning_rates(case: str) -> None:
    used = learning_rates(from_yaml(golden(case)["yaml"]))
    assert used == pytest.approx(golden(case)["expected"]["lr_used_in_epoch"], rel=1e-9)


def regularized(case: str) -> tuple[nn.Module, CompressionScheduler]:
    inputs = golden(case)["inputs"]
    names = {key.replace(".", "_"): array(value) for key, value in inputs.items()}
    if "W" in names:
        names = {"c_weight": names["W"]}
    model = bag(**names)
    return model, file_config(model, None, from_yaml(golden(case)["yaml"]))


@pytest.mark.parametrize(
    "case",
    [
        *golden_ids("reg_gl_", without=("reg_gl_Channels+4D",)),
        *golden_ids("reg_gv"),
    ],
)
def test_regularizer_loss_and_gradient(case: str) -> None:
    expected = golden(case)["expected"]
    model, scheduler = regularized(case)
    scheduler.on_epoch_begin(0)
    scheduler.on_minibatch_begin(0, 0, 1)
    loss, parts = scheduler.before_backward_pass(0, 0, 1, torch.tensor(1.5))
    assert float(loss.detach()) == pytest.approx(expected["overall"], rel=1e-5)
    assert float(parts[expected["component_name"]]) == pytest.approx(
        expected["component"], rel=1e-5
    )
    loss.backward()  # type: ignore[no-untyped-call]
    for name, key in expected["grads"].items():
        gradient = model.get_parameter(name).grad
        torch.testing.assert_close(gradient, array(key), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", golden_ids("reg5d_"))
def test_regularizer_of_five_dimensions(case: str) -> None:
    _, scheduler = regularized(case)
    scheduler.on_epoch_begin(0)
    scheduler.on_minibatch_begin(0, 0, 1)
    _, parts = scheduler.before_backward_pass(0, 0, 1, torch.tensor(0.0))
    expected = golden(case)["expected"]["component"]
    assert float(parts["GroupLassoRegularizer_loss"]) == pytest.approx(expected, rel=1e-5)


def test_the_original_refused_five_dimensions() -> None:
    """Difference: 5-D weights are regularized here."""
    assert golden("reg_5d_unsupported")["expected"]["raises"] == "AssertionError"
    _, scheduler = regularized("reg_5d_unsupported")
    scheduler.on_epoch_begin(0)
    scheduler.on_minibatch_begin(0, 0, 1)
    loss, _ = scheduler.before_backward_pass(0, 0, 1, torch.tensor(0.0))
    assert float(loss.detach()) > 0


def test_channels_and_tensor_together() -> None:
    """Difference: the combination that always crashed adds both terms."""
    case = golden("reg_gl_Channels+4D")
    assert case["expected"]["raises"] == "AttributeError"
    weight = torch.arange(1.0, 17.0).view(2, 2, 2, 2)
    scheduler = file_config(bag(c_weight=weight), None, from_yaml(case["yaml"]))
    scheduler.on_epoch_begin(0)
    scheduler.on_minibatch_begin(0, 0, 1)
    loss, _ = scheduler.before_backward_pass(0, 0, 1, torch.tensor(0.0))
    # channels {1..4, 9..12} and {5..8, 13..16}: squares sum to 476 and 1020; all to 1496
    expected = 0.01 * (476**0.5 + 1020**0.5 + 1496**0.5)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("case", golden_ids("reg_glthr"))
def test_thresholding(case: str) -> None:
    model, scheduler = regularized(case)
    weight = model.get_parameter("c.weight")
    initial = weight.detach().clone()
    for epoch, minibatch, weights_key, mask_key in golden(case)["expected"]["trace"]:
        if minibatch == 0:
            scheduler.on_epoch_begin(epoch)
        weight.data.copy_(initial)
        scheduler.on_minibatch_begin(epoch, minibatch, 2)
        scheduler.before_backward_pass(epoch, minibatch, 2, torch.tensor(0.0))
        scheduler.before_parameter_optimization(epoch, minibatch, 2)
        scheduler.on_minibatch_end(epoch, minibatch, 2)
        torch.testing.assert_close(weight.detach(), array(weights_key), rtol=1e-5, atol=1e-6)
        mask = scheduler.masks["c.weight"]
        assert (mask is None) == (mask_key is None)
        assert mask is None or torch.equal(mask.float(), array(mask_key).float())
        if minibatch == 1:
            scheduler.on_epoch_end(epoch)


REFUSED = {
    "parse_0": "unknown class 'NoSuch'",
    "parse_2": "no pruner is called 'nope'",
    "parse_4": "foo: unknown key",
    "parse_6": "only one quantizer",
    "parse_8": "args.zzz: unknown argument",
    "parse_9": "mask_gradients needs mask_on_forward_only",
    "parse_5": "banana: unknown section",
}


@pytest.mark.parametrize("case", golden_ids("parse_"))
def test_what_does_not_parse(case: str) -> None:
    """Difference: an unknown section or argument, ignored by the original, is an error here."""
    with pytest.raises(ScheduleError, match=REFUSED[case]):
        file_config(bag(c_weight=torch.ones(4, 4)), None, from_yaml(golden(case)["yaml"]))
