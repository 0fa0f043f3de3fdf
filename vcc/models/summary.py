"""Figures of a network: parameters, multiply-accumulates and sparsity, whole and per layer.

Multiply-accumulates are Torch-Pruning's count: those of convolutions and linear layers, two per
element of a BatchNorm, one per element of an activation or of a pooling layer's input. They are
counted on the meta device, so that no figure needs a computation.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import partial

import torch
from torch import Tensor, nn
from torch_pruning.utils import count_ops_and_params

from vcc.models.network import VideoNetwork, network_of
from vcc.models.spec import arch_name
from vcc.spreadsheet import CsvWriter


@dataclass(frozen=True)
class LayerRow:
    """One layer with parameters.

    Attributes:
        name: dotted module name.
        type: class name.
        shape: of its output for one clip, without the batch.
        parameters: how many, biases included.
        macs: multiply-accumulates of one clip.
        sparsity: share of zeros in its weight, 0 to 1.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    sparsity: float


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable and frozen parameters (buffers are none)."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(
    model: nn.Module, sample_size: int | None = None, sample_duration: int | None = None
) -> int:
    """Return the multiply-accumulates of one clip.

    Args:
        model: a network of this package.
        sample_size: height and width in pixels; default: what it was built for.
        sample_duration: frames; default: what it was built for.
    """
    network = network_of(model)
    clip = _meta_clip(network, sample_size, sample_duration)
    macs, _ = count_ops_and_params(_meta_copy(network), clip)
    return int(macs)


def layer_table(
    model: nn.Module, sample_size: int | None = None, sample_duration: int | None = None
) -> tuple[LayerRow, ...]:
    """Return a row per layer with parameters, in the order of the network's definition."""
    network = network_of(model)
    shadow = _meta_copy(network)
    shapes: dict[str, tuple[int, ...]] = {}
    clip = _meta_clip(network, sample_size, sample_duration)
    with _recorded_shapes(shadow, shapes):
        _, _, macs, _ = count_ops_and_params(shadow, clip, layer_wise=True)
    return tuple(
        LayerRow(
            name=name,
            type=type(module).__name__,
            shape=shapes.get(name, ()),
            parameters=count_parameters(module),
            macs=int(macs[shadow.get_submodule(name)] or 0),
            sparsity=_sparsity(module),
        )
        for name, module in _parametrised(network)
    )


def table_csv(rows: Sequence[LayerRow]) -> str:
    """Return rows as CSV with a header: Name, Type, Shape, Parameters, MACs, Sparsity."""
    out = io.StringIO()
    writer = CsvWriter(out)
    writer.writerow(["Name", "Type", "Shape", "Parameters", "MACs", "Sparsity"])
    for row in rows:
        shape = "x".join(map(str, row.shape))
        figures = [row.parameters, row.macs, f"{row.sparsity:.4f}"]
        writer.writerow([row.name, row.type, shape, *figures])
    return out.getvalue()


def table_text(rows: Sequence[LayerRow]) -> str:
    """Return rows as an aligned text table."""
    header = [field.name for field in fields(LayerRow)]
    cells = [header]
    for row in rows:
        values = asdict(row)
        values["shape"] = "x".join(map(str, row.shape))
        values["sparsity"] = f"{row.sparsity:.4f}"
        cells.append(
            [
                f"{values[name]:,}" if name in {"parameters", "macs"} else str(values[name])
                for name in header
            ]
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    lines = []
    for line in cells:
        left = [cell.ljust(width) for cell, width in zip(line[:3], widths[:3], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(line[3:], widths[3:], strict=True)]
        lines.append("  ".join([*left, *right]).rstrip())
    return "\n".join(lines)


def describe(model: nn.Module) -> str:
    """Return the network's name, options, figures and layers as text."""
    network = network_of(model)
    spec = network.spec
    options = ", ".join(f"{name}={value}" for name, value in spec.options.items())
    size = f"{spec.sample_duration}x{spec.sample_size}x{spec.sample_size}"
    head = (
        f"{arch_name(spec)}: {spec.family} ({options}), {spec.n_classes} classes\n"
        f"{count_parameters(network) / 1e6:.2f} M parameters, "
        f"{count_macs(network) / 1e9:.2f} GMACs for a clip of {size}\n"
    )
    return f"{head}\n{table_text(layer_table(network))}"


def _parametrised(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_modules():
        if next(module.parameters(recurse=False), None) is not None:
            yield name, module


def _sparsity(module: nn.Module) -> float:
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.is_meta or not weight.numel():
        return 0.0
    return 1.0 - int(torch.count_nonzero(weight)) / weight.numel()


def _meta_copy(network: VideoNetwork) -> VideoNetwork:
    """Return a copy in evaluation mode whose tensors have shapes and no data."""
    memo: dict[int, Tensor] = {}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
    for buffer in network.buffers():
        memo[id(buffer)] = buffer.detach().to("meta")
    shadow = copy.deepcopy(network, memo).eval()
    for module in shadow.modules():
        # A quantized layer computes the products of the layer that it is a kind of, but the counter
        # knows a layer by its exact class.
        for plain in (nn.Conv2d, nn.Conv3d, nn.Linear):
            if isinstance(module, plain) and type(module) is not plain:
                module.__class__ = plain
    return shadow


def _meta_clip(
    network: VideoNetwork, sample_size: int | None, sample_duration: int | None
) -> Tensor:
    size = sample_size or network.spec.sample_size
    duration = sample_duration or network.spec.sample_duration
    dtype = next(network.parameters()).dtype
    return torch.empty((1, 3, duration, size, size), dtype=dtype, device="meta")


@contextmanager
def _recorded_shapes(model: nn.Module, shapes: dict[str, tuple[int, ...]]) -> Iterator[None]:
    def record(name: str, _module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        shapes[name] = tuple(output.shape[1:])

    handles = [
        module.register_forward_hook(partial(record, name)) for name, module in _parametrised(model)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
