"""What the exporter is told: operator, types, and the axis of a scale for each channel."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vcc.models.quantized.onnx_ops import dequantized, export_pair

SCALE, ZERO = torch.tensor(0.5), torch.tensor(3, dtype=torch.uint8)


class Told(TorchDispatchMode):
    """Remembers the symbolic operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: list[tuple[str, tuple[str, ...], tuple[int, ...]]] = []
        self.inputs: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if "symbolic" in str(func):
            self.inputs.append(args[0])
            found = (args[1], tuple(kwargs["attr_keys"]), tuple(kwargs["attr_ints"]))
            self.operators.append(found)
        return func(*args, **(kwargs or {}))


def test_integers_are_of_the_zero_point_s_type_and_come_back_as_floats() -> None:
    x = torch.randn(3, 5)
    with Told() as told:
        back = export_pair(x, SCALE, ZERO)
    assert told.operators == [("QuantizeLinear", (), ()), ("DequantizeLinear", (), ())]
    (read, *constants), (integers, *again) = told.inputs
    assert read is x
    assert constants == again == [SCALE, ZERO]
    assert (integers.dtype, integers.shape) == (torch.uint8, x.shape)
    assert (back.dtype, back.shape) == (torch.float32, x.shape)


def test_a_scale_for_each_channel_has_an_axis() -> None:
    levels = torch.zeros(4, 2, dtype=torch.int8)
    with Told() as told:
        weight = dequantized(levels, torch.ones(4), torch.zeros(4, dtype=torch.int8), axis=0)
        dequantized(levels, SCALE, torch.tensor(0, dtype=torch.int8))
    assert told.operators == [("DequantizeLinear", ("axis",), (0,)), ("DequantizeLinear", (), ())]
    assert (weight.dtype, weight.shape) == (torch.float32, levels.shape)
