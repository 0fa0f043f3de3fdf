"""Layers that were decomposed: one convolution or linear layer as two or three cheaper ones.

A form says into which layers; ranks are the channels between them. `arch.json` keeps both, so that
a checkpoint's network is rebuilt from the layer that its options build.

{"conv1": {"form": "spatial_temporal", "ranks": [16]}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from vcc.errors import ModelError, nearest
from vcc.models.architecture import Section, register_section
from vcc.models.kernels import padding_sides, set_padding, triple

SPATIAL_TEMPORAL = "spatial_temporal"
TUCKER2 = "tucker2"
LOW_RANK = "low_rank"
# form -> how many ranks it has: the layers less one
FORMS = {SPATIAL_TEMPORAL: 1, TUCKER2: 2, LOW_RANK: 1}

_NONE = ((0, 0), (0, 0), (0, 0))
_ONE = (1, 1, 1)


class Decomposed(nn.Sequential):
    """The layers that stand for one; only the last has a bias, and nothing is between them.

    Args:
        form: a key of `FORMS`.
        layers: in the order in which they compute.
    """

    def __init__(self, form: str, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.form = form

    @property
    def ranks(self) -> tuple[int, ...]:
        """How many channels there are between the layers."""
        return tuple(_width(layer) for layer in list(self)[:-1])


def undecomposed(layer: nn.Conv3d | nn.Linear, form: str, ranks: Sequence[int]) -> Decomposed:
    """Return a layer's form with weights that say nothing yet, on its device and of its type.

    `spatial_temporal` is 1 x kh x kw, then kt x 1 x 1 (the (2+1)D form of Tran et al. 2018);
    `tucker2` 1 x 1 x 1, the kernel, 1 x 1 x 1 (Kim et al. 2016); `low_rank` the kernel with fewer
    filters, then 1 x 1 x 1 (Zhang et al. 2016), and two linear layers for a linear one.

    Raises:
        ValueError: the form, its ranks and the layer do not go together.
    """
    if form not in FORMS or len(ranks) != FORMS[form] or min(ranks) < 1:
        msg = f"the form {form!r} with ranks {list(ranks)} is not known"
        raise ValueError(msg)
    if isinstance(layer, nn.Linear):
        if form != LOW_RANK:
            msg = f"a linear layer has no form {form!r}"
            raise ValueError(msg)
        return Decomposed(form, *_linear_pair(layer, ranks[0]))
    if layer.groups != 1:
        msg = f"a convolution of {layer.groups} groups has no form {form!r}"
        raise ValueError(msg)
    return Decomposed(form, *_convolutions(layer, form, ranks))


def read_decomposed(model: nn.Module) -> dict[str, Any] | None:
    """Return layer name -> its form and ranks, None where no layer was decomposed."""
    found = {
        name: {"form": module.form, "ranks": list(module.ranks)}
        for name, module in model.named_modules()
        if isinstance(module, Decomposed)
    }
    return found or None


def apply_decomposed(model: nn.Module, layers: Mapping[str, Any]) -> None:
    """Give the layers of a network their recorded forms, with weights yet to be loaded.

    A layer that has its form already stays.

    Raises:
        ModelError: the record names a layer that is not there or cannot have the form.
    """
    modules = dict(model.named_modules())
    for name, record in layers.items():
        module = dict(model.named_modules()).get(name)
        if isinstance(module, Decomposed) and module.form == record.get("form"):
            continue
        if not isinstance(module, nn.Conv3d | nn.Linear):
            msg = f"the decomposed layer {name!r} is not in the network: {nearest(name, modules)}"
            raise ModelError(msg)
        try:
            made = undecomposed(module, record["form"], record["ranks"])
        except (KeyError, TypeError, ValueError) as error:
            msg = f"the decomposed layer {name!r}: {error}"
            raise ModelError(msg) from error
        replace_module(model, module, made)


def replace_module(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module in the place of another, under every name that it has."""
    new.train(old.training)
    for parent in list(model.modules()):
        for key, child in list(parent._modules.items()):
            if child is old:
                parent._modules[key] = new


def _width(layer: nn.Module) -> int:
    if isinstance(layer, Decomposed):
        return _width(layer[-1])
    return int(getattr(layer, "out_channels", 0) or getattr(layer, "out_features", 0))


def _linear_pair(layer: nn.Linear, rank: int) -> tuple[nn.Linear, nn.Linear]:
    place: dict[str, Any] = {"device": layer.weight.device, "dtype": layer.weight.dtype}
    first = nn.Linear(layer.in_features, rank, bias=False, **place)
    return first, nn.Linear(rank, layer.out_features, bias=layer.bias is not None, **place)


def _convolutions(layer: nn.Conv3d, form: str, ranks: Sequence[int]) -> list[nn.Conv3d]:
    sides, inputs, outputs = padding_sides(layer), layer.in_channels, layer.out_channels
    time, *space = layer.kernel_size
    if form == SPATIAL_TEMPORAL:
        first = _part(layer, inputs, ranks[0], (1, *space), keep=(1, 2), sides=sides)
        last = _part(layer, ranks[0], outputs, (time, 1, 1), keep=(0,), sides=sides, ends=True)
        return [first, last]
    kernel, every = layer.kernel_size, (0, 1, 2)
    if form == LOW_RANK:
        first = _part(layer, inputs, ranks[0], kernel, keep=every, sides=sides)
        return [first, _part(layer, ranks[0], outputs, _ONE, ends=True)]
    return [
        _part(layer, inputs, ranks[0], _ONE),
        _part(layer, ranks[0], ranks[1], kernel, keep=every, sides=sides),
        _part(layer, ranks[1], outputs, _ONE, ends=True),
    ]


def _part(  # noqa: PLR0913 - a convolution has that many figures
    layer: nn.Conv3d,
    inputs: int,
    outputs: int,
    kernel: Sequence[int],
    *,
    keep: Sequence[int] = (),
    sides: Sequence[tuple[int, int]] = _NONE,
    ends: bool = False,
) -> nn.Conv3d:
    """Return a convolution with the layer's stride, dilation and padding in some dimensions."""
    part = nn.Conv3d(
        inputs,
        outputs,
        triple(kernel),
        stride=triple([layer.stride[dim] if dim in keep else 1 for dim in range(3)]),
        dilation=triple([layer.dilation[dim] if dim in keep else 1 for dim in range(3)]),
        bias=ends and layer.bias is not None,
        device=layer.weight.device,
        dtype=layer.weight.dtype,
    )
    set_padding(part, [sides[dim] if dim in keep else (0, 0) for dim in range(3)])
    return part


register_section(Section("decomposition", read_decomposed, apply_decomposed, before_layers=True))
