"""How weights are rounded where their range does not decide it: DoReFa, WRPN, and what registers.

A quantizer names a kind as its `weight_kind`; a checkpoint keeps the name. Whoever needs to know
what a kind is like asks it here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vcc.config.overflow import SAFE_BITS
from vcc.errors import ModelError
from vcc.models.quantized.arithmetic import dorefa_weight, wrpn_weight
from vcc.registry import Registry


@dataclass(frozen=True, kw_only=True)
class WeightKind:
    """What rounds a weight, and which integers hold what it returns.

    Attributes:
        values: a weight and its bits to the rounded weight; gradients pass straight through.
        size: a weight, its bits and the largest integer (63 or 127) to what an integer of 1 is.
        narrows: whether `overflow: safe` gives an int8 weight 7 bits; if not, the weight keeps its
            bits and takes the nearest integers up to 63.
        safe_bits: the most bits of which no integer is larger than 64.
    """

    values: Callable[[Tensor, int], Tensor]
    size: Callable[[Tensor, int, int], Tensor]
    narrows: bool = True
    safe_bits: int = SAFE_BITS


WEIGHT_KINDS: Registry[WeightKind] = Registry(
    "kind of weight", group="vcc.weight_kinds", rooms=(), error=ModelError
)


def _dorefa_size(weight: Tensor, bits: int, top: int) -> Tensor:
    return weight.abs().mean() if bits == 1 else weight.new_tensor(1 / min(2**bits - 1, top))


def _wrpn_size(weight: Tensor, bits: int, top: int) -> Tensor:
    return weight.new_tensor(2 / (2**bits - 1))


WEIGHT_KINDS.add(
    "dorefa",
    WeightKind(
        values=dorefa_weight,
        size=_dorefa_size,
        # Its integers are odd: no whole range of their bits, they reach twice as far as one.
        narrows=False,
        safe_bits=SAFE_BITS - 1,
    ),
)
WEIGHT_KINDS.add("wrpn", WeightKind(values=wrpn_weight, size=_wrpn_size))


def weight_levels(weight: Tensor, kind: str, bits: int, *, top: int = 127) -> tuple[Tensor, Tensor]:
    """Return (integers -top-1..top, size of one) of a weight quantized by a registered kind.

    DoReFa's 2k/n - 1 with n = 2^bits - 1 are the odd multiples of 1/n, which int8 holds up to 7
    bits; of 8 bits, and of WRPN's 128 of 8 bits, they are the nearest that it holds. With a `top`
    below n they are the nearest multiples of 1/top.

    Args:
        weight: the float weight.
        kind: "dorefa", "wrpn" or another registered name.
        bits: 1 to 8.
        top: largest integer, 63 or 127.
    """
    rule = WEIGHT_KINDS.get(kind)
    size = rule.size(weight, bits, top)
    return torch.round(rule.values(weight, bits) / size).clamp(-top - 1, top), size
