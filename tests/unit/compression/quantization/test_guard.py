"""Guarded post-training quantization: what int8 ruins goes back to float, and nothing else."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vcc.compression import file_config
from vcc.compression.policies.quantization import QuantizationPolicy
from vcc.compression.quantization.guard import Budget, GuardReport
from vcc.compression.sensitivity.measured import EvalResult, Measure
from vcc.errors import ScheduleError
from vcc.models import build_model, load_checkpoint, save_checkpoint
from vcc.models.quantized.plan import describe_quantizers, quantizers_by_layer, set_quantizers


class Chain(nn.Module):
    """Four layers; the third has two weights so large that 8 bits leave nothing of the others.

    What they read is always zero, so the network in float does not mind them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 16)
        self.ruined, self.last = nn.Linear(16, 16), nn.Linear(16, 4)
        with torch.no_grad():
            self.second.weight[:2] = 0
            self.second.bias[:2] = 0
            self.ruined.weight[:, :2] = 1000.0

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second, self.ruined):
            x = torch.relu(layer(x))
        logits: Tensor = self.last(x)
        return logits


INPUTS = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))


def agreement_with(model: nn.Module) -> Measure:
    """Return what measures against the float network's own answers."""
    with torch.no_grad():
        labels = model(INPUTS).argmax(dim=1)

    def measure(network: nn.Module) -> EvalResult:
        with torch.no_grad():
            logits = network(INPUTS)
        loss = float(nn.functional.cross_entropy(8 * logits, labels))
        return EvalResult(float((logits.argmax(dim=1) == labels).float().mean()), 1.0, loss)

    return measure


def quantize(model: nn.Module, guard: Any, **options: Any) -> GuardReport | None:
    schedule = {
        "quantizers": {
            "int8": {
                "class": "PostTrainLinearQuantizer",
                **({} if guard is None else {"guard": guard}),
            }
        },
        "policies": [{"quantizer": {"instance_name": "int8"}, "epochs": [0]}],
    }
    values: dict[str, Any] = {"measure": agreement_with(model), "example_input": INPUTS, **options}
    scheduler = file_config(model, None, schedule, calibration=lambda: [INPUTS], **values)
    scheduler.begin_seam(0)
    (policy,) = scheduler.policies
    assert isinstance(policy, QuantizationPolicy)
    return policy.guarded


def test_only_the_ruined_layer_goes_back_to_float() -> None:
    model = Chain().eval()
    report = quantize(model, {"loss": 0.05})
    assert report is not None
    assert report.quantized.loss > report.float_network.loss + 0.05
    assert report.guarded.loss <= report.float_network.loss + 0.05
    assert report.returned == ("ruined",)
    assert next(iter(report.loss_increase)) == "ruined"
    assert set(report.loss_increase) == {"first", "second", "ruined", "last"}
    plan = describe_quantizers(model)
    assert plan is not None
    assert set(plan["layers"]) == {"first", "second", "last"}
    rows = list(csv.DictReader(io.StringIO(report.as_csv())))
    assert [(row["layer"], row["precision"]) for row in rows][0] == ("ruined", "float")
    assert {row["precision"] for row in rows[1:]} == {"quantized"}
    assert "back to float: ruined; dev loss now" in report.sentence()


def test_a_budget_that_holds_costs_two_measurements() -> None:
    model = Chain().eval()
    calls = []
    measure = agreement_with(model)

    def counted(network: nn.Module) -> EvalResult:
        calls.append(1)
        return measure(network)

    report = quantize(model, {"loss": 100.0}, measure=counted)
    assert report is not None
    assert len(calls) == 2
    assert report.returned == ()
    assert "every layer stays quantized" in report.sentence()
    plan = describe_quantizers(model)
    assert plan is not None
    assert len(plan["layers"]) == 4


def test_a_budget_of_nothing_leaves_no_layer_quantized() -> None:
    model = Chain().eval()
    before = model(INPUTS).detach()
    measure = agreement_with(model)
    # whoever is not at its best with every quantizer gone must give them all up
    noisy = iter(range(100))
    report = quantize(
        model, {"loss": 0.0}, measure=lambda net: EvalResult(1.0, 1.0, _but(measure(net), noisy))
    )
    assert report is not None
    assert set(report.returned) == {"first", "second", "ruined", "last"}
    assert describe_quantizers(model) is None
    assert torch.equal(model(INPUTS), before)


def _but(found: EvalResult, noisy: Any) -> float:
    # the float network is the second that is measured; all others seem worse
    return 0.0 if next(noisy) == 1 else found.loss + 1


def test_a_budget_may_be_of_top1() -> None:
    best, worse = EvalResult(0.9, 1.0, 0.3), EvalResult(0.88, 1.0, 0.2)
    assert Budget(top1=0.02).holds(best, worse)
    assert not Budget(top1=0.01).holds(best, worse)
    assert not Budget(top1=0.01, loss=1.0).holds(best, worse)
    assert not Budget(loss=1.0).holds(best, EvalResult(0.9, 1.0, float("nan")))


def test_without_a_guard_nothing_is_measured() -> None:
    assert quantize(Chain().eval(), None, measure=None) is None


def test_a_guard_needs_something_to_measure_by() -> None:
    with pytest.raises(ScheduleError, match=r"int8.guard: needs to measure"):
        quantize(Chain(), {"loss": 0.1}, measure=None)
    for wrong in ({"los": 0.1}, {}, {"loss": -1}, 0.1):
        with pytest.raises(ScheduleError, match=r"quantizers.int8.guard"):
            quantize(Chain(), wrong)


def test_a_residual_network_is_guarded_join_by_join_and_reloads(tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = {"model_depth": 10, "resnet_shortcut": "A", "width_mult": 0.125}
    model = build_model("resnet", n_classes=4, sample_size=16, sample_duration=4, **options).eval()
    clips = torch.randn(2, 3, 4, 16, 16)
    schedule = {
        "quantizers": {"q": {"class": "PostTrainLinearQuantizer", "quant_target": "cpu"}},
        "policies": [{"quantizer": {"instance_name": "q"}, "epochs": [0]}],
    }
    file_config(model, None, schedule, example_input=clips, calibration=lambda: [clips]).begin_seam(
        0
    )
    quantized = model(clips).detach()
    layers = quantizers_by_layer(model)
    assert {"layer1.0", "layer1.0.conv2"} <= set(layers)
    assert set(layers["layer1.0"]) == {"entry_quantizer"}
    assert "output_quantizer" in layers["layer1.0.conv2"]
    for name in layers:
        set_quantizers(model, name, None)
    assert quantizers_by_layer(model) == {}
    assert not torch.equal(model(clips), quantized)
    for name, parts in layers.items():
        set_quantizers(model, name, parts)
    assert torch.equal(model(clips), quantized)
    for name in ("layer1.0", "layer1.0.conv2"):
        set_quantizers(model, name, None)
    left = model(clips).detach()
    again = load_checkpoint(save_checkpoint(tmp_path / "part", model, {})).model
    assert torch.equal(again(clips), left)
    assert "layer1.0" not in quantizers_by_layer(again)
