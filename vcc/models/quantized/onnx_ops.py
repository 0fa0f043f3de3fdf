"""QuantizeLinear and DequantizeLinear, as symbolic operators for the ONNX exporter."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def export_pair(x: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """Return x through QuantizeLinear and DequantizeLinear, for the ONNX exporter only."""
    q = torch.onnx.ops.symbolic(
        "QuantizeLinear", (x, scale, zero), {}, dtype=zero.dtype, shape=x.shape
    )
    return dequantized(q, scale, zero)


def dequantized(q: Tensor, scale: Tensor, zero: Tensor, *, axis: int | None = None) -> Tensor:
    """Return integers through DequantizeLinear, for the ONNX exporter only."""
    attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
    return torch.onnx.ops.symbolic(
        "DequantizeLinear", (q, scale, zero), attributes, dtype=scale.dtype, shape=q.shape
    )
