"""Quantizers in networks: insertion, calibration, training, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from networks.blocks import of_blocks
from small_families import SMALL_FAMILIES
from torch import Tensor, nn

from vcc.compression import CompressionScheduler, file_config
from vcc.compression.quantization.placement import place_quantizers
from vcc.errors import ScheduleError
from vcc.models import build_model, load_checkpoint, save_checkpoint
from vcc.models.quantized.modules import ClippedActivation
from vcc.models.quantized.plan import activation_quantizers, describe_quantizers

FAMILIES = SMALL_FAMILIES | {"resnet": {"model_depth": 10, "resnet_shortcut": "A"}}
# Sums, depthwise filters, channels that are split, and those that are appended.
DEFAULT = ("resnet", "csn", "shufflenetv2", "densenet")
EACH = [
    pytest.param(family, marks=() if family in DEFAULT else pytest.mark.slow)
    for family in sorted(FAMILIES)
]


def network(family: str) -> nn.Module:
    torch.manual_seed(0)
    options = FAMILIES[family]
    model = build_model(
        family, n_classes=5, sample_size=32, sample_duration=9, width_mult=0.25, **options
    )
    if family == "mobilenet":
        # Drawn by their outputs, depthwise filters are so small that nothing passes 13 in a row.
        for module in model.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in")
    return model.eval()


def clips(seed: int = 0) -> Tensor:
    return torch.randn(2, 3, 9, 32, 32, generator=torch.Generator().manual_seed(seed))


def quantizer(class_name: str, **fields: Any) -> dict[str, Any]:
    return {
        "quantizers": {"q": {"class": class_name, **fields}},
        "policies": [
            {
                "quantizer": {"instance_name": "q"},
                "starting_epoch": 0,
                "ending_epoch": 2,
                "frequency": 1,
            }
        ],
    }


def train(model: nn.Module, scheduler: CompressionScheduler, optimizer: Any) -> list[float]:
    losses = []
    model.train()
    for epoch in range(2):
        scheduler.on_epoch_begin(epoch)
        scheduler.on_minibatch_begin(epoch, 0, 1)
        loss = nn.functional.cross_entropy(model(clips()), torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss, _ = scheduler.before_backward_pass(epoch, 0, 1, loss)
        loss.backward()  # type: ignore[no-untyped-call]
        scheduler.before_parameter_optimization(epoch, 0, 1, optimizer)
        optimizer.step()
        scheduler.on_minibatch_end(epoch, 0, 1, optimizer)
        scheduler.on_epoch_end(epoch)
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("family", EACH)
def test_post_training_quantization_stays_close_and_reloads(family: str, tmp_path: Path) -> None:
    model = network(family)
    before = model(clips()).detach()
    schedule = quantizer("PostTrainLinearQuantizer", quant_target="cpu")
    scheduler = file_config(
        model, None, schedule, example_input=clips(), calibration=lambda: [clips(), clips(1)]
    )
    scheduler.begin_seam(0)
    after = model.eval()(clips()).detach()
    distance = float((after - before).abs().max() / before.abs().max())
    assert 0 < distance < 0.15
    plan = describe_quantizers(model)
    assert plan is not None
    modes = {parts["weight"]["mode"] for parts in plan["layers"].values()}
    assert modes == {"SYMMETRIC"}
    assert all(parts["weight"]["per_channel"] for parts in plan["layers"].values())
    again = load_checkpoint(save_checkpoint(tmp_path / "int8", model, {})).model
    assert torch.equal(again(clips()), after)


def test_both_inputs_of_a_sum_are_quantized() -> None:
    model = network("resnet")
    schedule = quantizer("QuantAwareTrainRangeLinearQuantizer", bits_activations=8, bits_weights=8)
    file_config(model, None, schedule, example_input=clips()).begin_seam(0)
    plan = describe_quantizers(model)
    assert plan is not None
    # ResNet-10: the one block without a parameter-free shortcut of its own is layer1.0
    assert "layer1.0" in plan["entries"]
    assert all("output" in plan["layers"][f"layer{i}.0.conv2"] for i in range(1, 5))
    assert "input" not in plan["layers"]["layer1.0.conv1"]


@pytest.mark.parametrize(
    ("class_name", "fields"),
    [
        ("QuantAwareTrainRangeLinearQuantizer", {"bits_activations": 8, "bits_weights": 8}),
        ("DorefaQuantizer", {"bits_activations": 8, "bits_weights": 4}),
        ("WRPNQuantizer", {"bits_activations": 8, "bits_weights": 4}),
        ("PACTQuantizer", {"bits_activations": 4, "bits_weights": 4, "act_clip_decay": 0.01}),
    ],
)
def test_training_with_quantizers(class_name: str, fields: dict[str, Any]) -> None:
    model = network("resnet")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    before = model.get_parameter("conv1.weight")
    scheduler = file_config(
        model, optimizer, quantizer(class_name, **fields), example_input=clips()
    )
    losses = train(model, scheduler, optimizer)
    assert all(loss == loss for loss in losses)
    assert model.get_parameter("conv1.weight") is before
    if class_name == "PACTQuantizer":
        relus = [module for module in model.modules() if isinstance(module, ClippedActivation)]
        assert relus
        assert optimizer.param_groups[1]["weight_decay"] == 0.01
        assert any(float(relu.clip_val.detach()) != 8.0 for relu in relus)
    elif class_name.startswith("Quant"):
        assert all(float(q.steps) == 2 for q in activation_quantizers(model).values())


def test_mode_is_honoured() -> None:
    """Difference: the original ignores `mode` in quantization-aware training."""
    plans = []
    for mode in ("SYMMETRIC", "ASYMMETRIC_UNSIGNED"):
        model = network("resnet")
        fields = {"bits_activations": 8, "bits_weights": 4, "mode": mode}
        schedule = quantizer("QuantAwareTrainRangeLinearQuantizer", **fields)
        file_config(model, None, schedule, example_input=clips()).begin_seam(0)
        plan = describe_quantizers(model)
        assert plan is not None
        plans.append(plan["layers"]["conv1"]["weight"]["mode"])
    assert plans == ["SYMMETRIC", "ASYMMETRIC_UNSIGNED"]


def test_post_training_quantization_needs_batches() -> None:
    model = network("resnet")
    schedule = quantizer("PostTrainLinearQuantizer")
    scheduler = file_config(model, None, schedule, example_input=clips())
    with pytest.raises(ScheduleError, match="calibration"):
        scheduler.begin_seam(0)


def test_an_override_that_matches_nothing_is_refused() -> None:
    schedule = quantizer("DorefaQuantizer", overrides={"conv9": {"bits_weights": 4}})
    with pytest.raises(ScheduleError, match="matches no module"):
        file_config(network("resnet"), None, schedule, example_input=clips())


@pytest.mark.parametrize("batches", [[], [torch.zeros(0, 3, 4, 32, 32)]])
def test_calibration_on_no_clip_is_refused(batches: list[torch.Tensor]) -> None:
    model = network("resnet")
    schedule = quantizer("PostTrainLinearQuantizer", quant_target="cpu")
    scheduler = file_config(
        model, None, schedule, example_input=clips(), calibration=lambda: batches
    )
    with pytest.raises(ScheduleError, match="there are no calibration clips"):
        scheduler.begin_seam(0)


def test_a_block_that_runs_twice_quantizes_nothing_where_it_begins() -> None:
    # Its first input is the stem's output, which is quantized there: twice is refused by export.
    network = of_blocks("shared").float()
    found = place_quantizers(network, torch.zeros(1, 3, 4, 16, 16))
    assert "stem" in found.outputs
    assert not found.entries
