"""Quantization arithmetic: pure functions on tensors, without modules or state.

Convention of the schedule dialect: q = round(scale * x - zero_point), x ~ (q + zero_point) / scale,
so a scale is in levels per unit. ONNX's scale is its inverse and ONNX's zero point its negative.
"""

from __future__ import annotations

import torch
from torch import Tensor

SYMMETRIC = "SYMMETRIC"
SYMMETRIC_RESTRICTED = "SYMMETRIC_RESTRICTED"
ASYMMETRIC_UNSIGNED = "ASYMMETRIC_UNSIGNED"
ASYMMETRIC_SIGNED = "ASYMMETRIC_SIGNED"
MODES = (SYMMETRIC, SYMMETRIC_RESTRICTED, ASYMMETRIC_UNSIGNED, ASYMMETRIC_SIGNED)


def is_symmetric(mode: str) -> bool:
    """Return whether a mode's zero point is 0."""
    return mode in (SYMMETRIC, SYMMETRIC_RESTRICTED)


def integer_range(bits: int, mode: str) -> tuple[int, int]:
    """Return the lowest and the highest integer of a mode."""
    levels = 2**bits
    if mode == ASYMMETRIC_UNSIGNED:
        return 0, levels - 1
    lowest = -(levels // 2)
    return (lowest + 1 if mode == SYMMETRIC_RESTRICTED else lowest), levels // 2 - 1


def linear_parameters(low: Tensor, high: Tensor, bits: int, mode: str) -> tuple[Tensor, Tensor]:
    """Return (scale, zero point) for ranges [low, high], elementwise.

    Symmetric: scale = ((N - 1) / 2) / max(|low|, |high|), restricted (N / 2 - 1) / max, N = 2^bits.
    Asymmetric: the range is widened to include 0; scale = (N - 1) / (high - low), zero point
    round(scale * low), plus N / 2 for the signed mode. A range of zeros gives scale 1. One that is
    too narrow for the scale and its inverse to be numbers of the type counts as zeros.
    """
    levels = 2**bits
    # Weight decay shrinks the weights of a dead filter without end (1e-43 was seen).
    narrowest = torch.finfo(low.dtype).tiny * levels
    if is_symmetric(mode):
        top = levels / 2 - 1 if mode == SYMMETRIC_RESTRICTED else (levels - 1) / 2
        reach = torch.maximum(low.abs(), high.abs())
        scale = torch.where(reach > narrowest, top / reach.clamp_min(narrowest), 1.0)
        return scale, torch.zeros_like(scale)
    low, high = low.clamp_max(0), high.clamp_min(0)
    width = high - low
    positive = width.clamp_min(narrowest)
    scale = torch.where(width > narrowest, (levels - 1) / positive, torch.ones_like(width))
    zero_point = torch.round(scale * low)
    return scale, zero_point + levels // 2 if mode == ASYMMETRIC_SIGNED else zero_point


def quantize(x: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    """Return the integers of x (as floats, half to even), not clamped."""
    return torch.round(scale * x - zero_point)


def dequantize(q: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    """Return the values that integers stand for."""
    return (q + zero_point) / scale


def straight_through(x: Tensor, quantized: Tensor) -> Tensor:
    """Return the quantized values, with the gradient of x."""
    return x + (quantized - x).detach()


def tensor_range(x: Tensor, *, per_channel: bool) -> tuple[Tensor, Tensor]:
    """Return (low, high) of a tensor, or of each slice of dim 0 shaped to broadcast over it."""
    if not per_channel:
        return x.min(), x.max()
    flat = x.flatten(1) if x.dim() > 1 else x.reshape(-1, 1)
    shape = (-1, *[1] * (x.dim() - 1))
    return flat.amin(dim=1).reshape(shape), flat.amax(dim=1).reshape(shape)


def ema_step(biased: Tensor, value: Tensor, decay: float, step: int) -> tuple[Tensor, Tensor]:
    """Return the exponential average after a value, as kept (from 0) and without its bias.

    m_t = d * m_(t-1) + (1 - d) * x_t, reported as m_t / (1 - d^t), with t = step counted from 1.
    """
    biased = decay * biased + (1 - decay) * value
    return biased, biased / (1 - decay**step)


def round_levels(x: Tensor, bits: int) -> Tensor:
    """Return x in [0, 1] rounded to 2^bits - 1 steps, straight through."""
    steps = 2**bits - 1
    return straight_through(x, torch.round(x.detach() * steps) / steps)


def dorefa_weight(weight: Tensor, bits: int) -> Tensor:
    """Return a weight as DoReFa quantizes it (Zhou et al. 2016).

    tanh(w) / (2 max|tanh w|) + 1/2, rounded to 2^bits - 1 steps, 2q - 1. One bit: sign(w) *
    mean|w|, with sign(0) = 1.
    """
    if bits == 1:
        size = weight.detach().abs().mean()
        return straight_through(weight, torch.where(weight.detach() >= 0, size, -size))
    squashed = torch.tanh(weight)
    centred = squashed / (2 * squashed.detach().abs().max()) + 0.5
    return 2 * round_levels(centred, bits) - 1


def wrpn_weight(weight: Tensor, bits: int) -> Tensor:
    """Return a weight as WRPN quantizes it (Mishra et al. 2018): clamped to [-1, 1], symmetric.

    Scale (2^bits - 1) / 2, as the dialect has it.
    """
    clipped = weight.clamp(-1, 1)
    scale = (2**bits - 1) / 2
    return straight_through(clipped, torch.round(clipped.detach() * scale) / scale)


class _LearnedClip(torch.autograd.Function):
    """min(relu(x), alpha); the gradient reaches alpha where x is cut (PACT, Choi et al. 2018)."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, alpha: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha)
        return torch.minimum(x.clamp_min(0), alpha)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, gradient: Tensor
    ) -> tuple[Tensor, Tensor]:
        x, alpha = ctx.saved_tensors  # type: ignore[attr-defined]
        inside = (x > 0) & (x < alpha)
        cut = (gradient * (x >= alpha)).sum().reshape(alpha.shape)
        return gradient * inside, cut


def clipped_activation(x: Tensor, alpha: Tensor, bits: int) -> Tensor:
    """Return relu(x) cut at alpha and rounded to 2^bits - 1 steps of [0, alpha].

    Alpha gets the gradient of what it cuts, where it requires one.
    """
    clipped: Tensor = _LearnedClip.apply(x, alpha)
    scale = (2**bits - 1) / alpha.detach()
    return straight_through(clipped, torch.round(clipped.detach() * scale) / scale)
