"""Quantization arithmetic against the original package; tests of differences assert ours."""

from __future__ import annotations

import pytest
import torch
from compression_goldens import array, from_yaml, golden, golden_ids
from torch import nn

from vcc.compression.quantization.clipping import clip_range
from vcc.compression.quantization.overrides import Bits, resolve_bits
from vcc.compression.quantization.statistics import RunningStats, tensor_stats
from vcc.models.quantized.arithmetic import (
    clipped_activation,
    dequantize,
    dorefa_weight,
    ema_step,
    integer_range,
    linear_parameters,
    quantize,
    tensor_range,
)
from vcc.models.quantized.modules import ActivationQuantizer
from vcc.models.quantized.plan_parts import ActivationPlan


@pytest.mark.parametrize("case", golden_ids("q_"))
def test_linear_quantization(case: str) -> None:
    inputs, expected = golden(case)["inputs"], golden(case)["expected"]
    x = array(inputs["x"])
    bits, mode = inputs["bits"], inputs["mode"]
    low, high = tensor_range(x, per_channel=inputs["per_channel"])
    scale, zero_point = linear_parameters(low, high, bits, mode)
    q = quantize(x, scale, zero_point)
    lowest, highest = integer_range(bits, mode)
    if "raises" in expected:
        # difference: 5-D weights are quantized per channel here
        assert x.dim() == 5
        assert scale.numel() == x.shape[0]
        error = (dequantize(q.clamp(lowest, highest), scale, zero_point) - x).abs()
        assert bool((error <= 1.01 / scale).all())
        return
    torch.testing.assert_close(
        scale.flatten(), array(expected["scale"]).flatten(), rtol=1e-5, atol=0
    )
    theirs = array(expected["zero_point"]).flatten().float()
    assert torch.equal(zero_point.flatten().expand_as(theirs), theirs)
    assert (lowest, highest) == (expected["q_min"], expected["q_max"])
    assert torch.equal(q, array(expected["q_unclamped"]).float())
    clamped = q.clamp(lowest, highest)
    assert torch.equal(clamped, array(expected["q"]).float())
    torch.testing.assert_close(
        dequantize(clamped, scale, zero_point), array(expected["dequant"]), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("case", golden_ids("qclip"))
def test_clip_modes(case: str) -> None:
    inputs, expected = golden(case)["inputs"], golden(case)["expected"]
    low, high = clip_range(
        tensor_stats(array(inputs["x"])),
        inputs["clip"],
        bits=inputs["bits"],
        mode=inputs["mode"],
        n_stds=1.5,
        half_range=inputs["half_range"],
    )
    scale, zero_point = linear_parameters(
        torch.tensor(low), torch.tensor(high), inputs["bits"], inputs["mode"]
    )
    torch.testing.assert_close(scale, array(expected["scale"]).reshape(()), rtol=1e-5, atol=0)
    assert float(zero_point) == float(array(expected["zero_point"]))


def test_statistics_in_pieces_equal_those_of_the_whole() -> None:
    x = torch.randn(12, 3, 5, generator=torch.Generator().manual_seed(0))
    running = RunningStats()
    for take in (running.first_pass, running.second_pass):
        for piece in x.split([5, 4, 3]):
            take(piece)
    pieces, whole = running.result(), tensor_stats(x)
    assert pieces.counts == whole.counts
    assert sum(pieces.counts) == x.numel()
    for name in ("minimum", "maximum", "avg_min", "avg_max", "mean", "std", "b"):
        assert getattr(pieces, name) == pytest.approx(getattr(whole, name), rel=1e-6)
    assert whole.std == pytest.approx(float(x.std()), rel=1e-5)


@pytest.mark.parametrize("case", golden_ids("dorefa_w_"))
def test_dorefa_weights(case: str) -> None:
    inputs = golden(case)["inputs"]
    ours = dorefa_weight(array(inputs["W"]), inputs["bits"])
    torch.testing.assert_close(ours, array(golden(case)["expected"]["y"]), rtol=1e-5, atol=1e-6)


def test_clipped_activation() -> None:
    case = golden("dorefa_wrpn_act_8b")
    ours = clipped_activation(array(case["inputs"]["x"]), torch.ones(1), 8)
    torch.testing.assert_close(ours, array(case["expected"]["y"]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", golden_ids("pact_act"))
def test_pact(case: str) -> None:
    inputs, expected = golden(case)["inputs"], golden(case)["expected"]
    x = array(inputs["x"]).requires_grad_()
    alpha = torch.tensor([inputs["alpha"]], requires_grad=True)
    y = clipped_activation(x, alpha, inputs["bits"])
    torch.testing.assert_close(y.detach(), array(expected["y"]), rtol=1e-5, atol=1e-6)
    y.sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(x.grad, array(expected["grad_x"]))
    assert alpha.grad is not None
    torch.testing.assert_close(alpha.grad.flatten(), array(expected["grad_alpha"]).flatten())


def test_exponential_average() -> None:
    case = golden("ema_0.9")
    biased = torch.zeros(())
    for step, (value, row) in enumerate(
        zip(case["inputs"]["values"], case["expected"]["seq"], strict=True), 1
    ):
        biased, unbiased = ema_step(biased, torch.tensor(value), case["inputs"]["decay"], step)
        assert [float(biased), float(unbiased)] == pytest.approx(row, rel=1e-5)


@pytest.mark.parametrize("case", golden_ids("fakequant_A"))
def test_activation_quantizer_tracks_its_range(case: str) -> None:
    inputs, expected = golden(case)["inputs"], golden(case)["expected"]
    mode = case.removeprefix("fakequant_")
    quantizer = ActivationQuantizer(ActivationPlan(bits=8, mode=mode, decay=0.9))
    for x, y, row in zip(inputs["xs"], expected["ys"], expected["trace"], strict=True):
        ours = quantizer(array(x))
        low, high = quantizer.low, quantizer.high
        scale, zero_point = linear_parameters(low, high, 8, mode)
        figures = [float(low), float(high), float(scale), float(zero_point)]
        assert figures == pytest.approx(row, rel=1e-5)
        torch.testing.assert_close(ours, array(y), rtol=1e-5, atol=1e-6)


def test_an_untrained_quantizer_passes_its_input_on() -> None:
    """Difference: the original gives zeros until it was trained."""
    assert golden("fakequant_eval_untrained")["expected"]["max_abs"] == 0.0
    quantizer = ActivationQuantizer(ActivationPlan(bits=8, mode="SYMMETRIC", decay=0.9)).eval()
    x = torch.randn(3, 4)
    assert torch.equal(quantizer(x), x)


class OverridesNet(nn.Module):
    """The modules of the golden overrides."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = nn.Module()
        for name in ("conv1", "conv2", "conv10"):
            self.block1.add_module(name, nn.Conv2d(1, 1, 1))
        self.fc = nn.Linear(1, 1)
        self.conv3 = nn.Conv3d(1, 1, 1)
        self.conv1d = nn.Conv1d(1, 1, 1)


@pytest.mark.parametrize("case", golden_ids("overrides_"))
def test_overrides(case: str) -> None:
    overrides = from_yaml(golden(case)["yaml"])["overrides"]
    bits = resolve_bits(OverridesNet(), Bits(7, 8, None), overrides)
    ours = {name: [b.activations, b.weights, b.bias] for name, b in bits.items()}
    assert ours == golden(case)["expected"]
