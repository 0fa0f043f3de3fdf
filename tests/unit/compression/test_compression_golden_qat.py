"""Quantization-aware training against the original package; tests of differences assert ours."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from compression_goldens import array, from_yaml, golden, golden_ids
from fake_weight import fake_quantize_weight
from torch import Tensor, nn

from vcc.compression import file_config
from vcc.models.quantized.arithmetic import linear_parameters
from vcc.models.quantized.modules import ActivationQuantizer
from vcc.models.quantized.plan import activation_quantizers, describe_quantizers
from vcc.models.quantized.plan_parts import ActivationPlan, WeightPlan
from vcc.models.quantized.weight import WeightQuantizer

# what the original computes whatever `mode` says, and per tensor for 5-D weights whatever it is
UNSIGNED = WeightPlan(kind="range", bits=4, mode="ASYMMETRIC_UNSIGNED")
ACTIVATION = ActivationPlan(bits=8, mode="ASYMMETRIC_UNSIGNED", decay=0.9)


class QatNet(nn.Module):
    """The network of the golden cases: conv, ReLU, ReLU6, pooling, classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 4, (2, 3, 3))
        self.relu1 = nn.ReLU()
        self.relu6 = nn.ReLU6()
        self.fc = nn.Linear(4, 3)

    def forward(self, clip: Tensor) -> Tensor:
        features = self.relu6(self.relu1(self.conv(clip))).mean(dim=(2, 3, 4))
        logits: Tensor = self.fc(features)
        return logits


def network(case: str) -> QatNet:
    expected = golden(case)["expected"]
    net = QatNet()
    net.conv.weight.data = array(golden(case)["inputs"]["W"])
    net.conv.bias.data = array(expected["conv_bias"])
    # quantizing what is on the grid already gives it back
    net.fc.weight.data = array(expected["fc_w"])
    return net


def inputs(case: str) -> list[Tensor]:
    return [array(key) for key in golden(case)["inputs"]["xs"]]


class Original(nn.Module):
    """Our quantizers where the original puts its own: at the input and behind the ReLU."""

    def __init__(self, net: QatNet, *, per_channel: bool) -> None:
        super().__init__()
        self.net = net
        self.conv, self.fc = (
            WeightQuantizer(replace(UNSIGNED, per_channel=each)) for each in (False, per_channel)
        )
        self.input, self.relu1 = ActivationQuantizer(ACTIVATION), ActivationQuantizer(ACTIVATION)

    def forward(self, clip: Tensor) -> Tensor:
        net = self.net
        made = nn.functional.conv3d(self.input(clip), self.conv(net.conv.weight), net.conv.bias)
        features = net.relu6(self.relu1(net.relu1(made))).mean(dim=(2, 3, 4))
        return nn.functional.linear(features, self.fc(net.fc.weight))

    def trace_row(self) -> list[float]:
        """Return the columns of the golden trace: six of the ReLU, four of the input."""
        row: list[float] = []
        for quantizer, biased in ((self.relu1, self.relu1.ema.tolist()), (self.input, [])):
            low, high = quantizer.low, quantizer.high
            scale, zero_point = linear_parameters(low, high, 8, "ASYMMETRIC_UNSIGNED")
            row += [float(low), float(high), *biased, float(scale), float(zero_point)]
        return row


@pytest.mark.parametrize("case", golden_ids("qat_"))
def test_parts_compute_the_trajectory_where_the_original_places_them(case: str) -> None:
    expected = golden(case)["expected"]
    model = Original(network(case), per_channel=case.endswith("_pc")).train()
    for part, key in ((model.conv, "conv"), (model.fc, "fc")):
        weight = getattr(model.net, key).weight
        torch.testing.assert_close(
            part(weight).detach(), array(expected[f"{key}_w"]), rtol=1e-5, atol=1e-6
        )
        scale, zero_point = part.parameters_of(weight.detach())
        torch.testing.assert_close(scale.flatten(), array(expected[f"{key}_scale"]).flatten())
        assert torch.equal(zero_point.flatten(), array(expected[f"{key}_zp"]).flatten())
    # the case does not give the classifier's bias: its first output fixes it for all the others
    bias = array(expected["outputs"][0])[0] - _twin(model)(inputs(case)[0])[0].detach()
    for clip, key, row in zip(
        inputs(case), expected["outputs"], array(expected["trace"]).tolist(), strict=True
    ):
        torch.testing.assert_close(model(clip).detach() + bias, array(key), rtol=1e-5, atol=1e-5)
        assert model.trace_row() == pytest.approx(row, rel=1e-5, abs=1e-6)
    after = model.eval()(inputs(case)[0]).detach() + bias
    torch.testing.assert_close(after, array(expected["out_eval"]), rtol=1e-5, atol=1e-5)


def _twin(model: Original) -> Original:
    twin = Original(model.net, per_channel=model.fc.per_channel)
    return twin.train()


@pytest.mark.parametrize("case", golden_ids("qat_"))
def test_the_schedule_s_own_mode_and_channels_hold(case: str) -> None:
    """Difference: `mode` is honoured, channels are those of any rank, inputs are what is quantized.

    The original quantizes the ReLU's output, so that its classifier reads floats behind the pool.
    """
    schedule, expected = from_yaml(golden(case)["yaml"]), golden(case)["expected"]
    mode, per_channel = case.removeprefix("qat_")[:-3], case.endswith("_pc")
    net = network(case)
    file_config(net, None, schedule, example_input=inputs(case)[0]).begin_seam(0)
    plan = describe_quantizers(net)
    assert plan is not None
    weights = {name: parts["weight"] for name, parts in plan["layers"].items()}
    settings = {"kind": "range", "bits": 4, "mode": mode, "per_channel": per_channel}
    assert weights == {"conv": settings, "fc": settings}
    assert set(activation_quantizers(net)) == {"conv.input_quantizer", "fc.input_quantizer"}
    assert type(net.relu6) is nn.ReLU6
    assert expected["relu6"] == "ReLU6"

    weight = array(golden(case)["inputs"]["W"])
    ours = net.conv.weight_quantizer(weight).detach()  # type: ignore[operator]
    theirs = array(expected["conv_w"])
    assert torch.equal(ours, fake_quantize_weight(weight, 4, mode, per_channel=per_channel))
    # signed and unsigned integers stand for the same values; nothing else does
    same = case in ("qat_ASYMMETRIC_UNSIGNED_pt", "qat_ASYMMETRIC_SIGNED_pt")
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-6) == same
    scale, _ = net.conv.weight_quantizer.parameters_of(weight)  # type: ignore[union-attr,operator]
    assert scale.numel() == (4 if per_channel else 1)

    net.train()
    tracked = net.conv.input_quantizer
    for clip, row in zip(inputs(case), array(expected["trace"]).tolist(), strict=True):
        net(clip)
        # the input's range is tracked alike, whatever the mode
        assert [float(tracked.low), float(tracked.high)] == pytest.approx(row[6:8], rel=1e-5)  # type: ignore[union-attr]
