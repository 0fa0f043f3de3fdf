"""Second moments E[x x'] of what layers read and compute, over calibration clips.

Kept in double precision; of a batch as many frames count as keep its share of the work small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, unfold

from vcc.compression.decomposition.factors import CHANNELS, OUTPUTS, PATCHES
from vcc.compression.mending.patches import evenly
from vcc.errors import ScheduleError
from vcc.models.decomposed import LOW_RANK, SPATIAL_TEMPORAL
from vcc.models.kernels import padding_sides
from vcc.models.modes import evaluating

# Positions of one batch that are looked at, per layer.
_MOST_POSITIONS = 16384
# Inputs of a spatial patch: the eigenvectors of more take minutes.
MOST_INPUTS = 2048


class _Moments:
    """Sums x x' over calls."""

    def __init__(self) -> None:
        self.total: dict[str, Tensor] = {}
        self.count: dict[str, int] = {}

    def add(self, name: str, rows: Tensor) -> None:
        """Take observations [n, size]."""
        rows = rows.detach().to("cpu", torch.float64)
        outer = rows.T @ rows
        self.total[name] = self.total[name] + outer if name in self.total else outer
        self.count[name] = self.count.get(name, 0) + len(rows)

    def mean(self) -> dict[str, Tensor]:
        """Return E[x x'] by name, [size, size] each."""
        return {name: total / self.count[name] for name, total in self.total.items()}


def observe_moments(
    model: nn.Module,
    layers: Mapping[str, nn.Conv3d | nn.Linear],
    form: str,
    batches: Callable[[], Iterable[Tensor]],
) -> dict[str, dict[str, Tensor]]:
    """Return layer name -> the moments that its form uses, in double precision on the CPU.

    `patches` are of the spatial kernel's inputs [I*H*W], without those in time; `channels` of the
    input's channels [I]; `outputs` of the output's channels [O], without the bias. A layer whose
    patches have more than `MOST_INPUTS` inputs has none.

    Args:
        model: the network; its mode and statistics stay as they are.
        layers: to observe.
        form: see `vcc.models.decomposed`.
        batches: returns calibration batches.

    Raises:
        ScheduleError: there was no batch, or none reached a layer.
    """
    found = {name: _Moments() for name in layers}
    handles = [
        layer.register_forward_hook(_observer(form, found[name])) for name, layer in layers.items()
    ]
    place = next(model.parameters())
    try:
        with evaluating(model), torch.no_grad():
            for batch in batches():
                model(batch.to(place.device, place.dtype))
    finally:
        for handle in handles:
            handle.remove()
    idle = [name for name, layer in layers.items() if _wants(layer, form) and not found[name].count]
    if idle:
        msg = f"data_aware: no calibration batch ran {idle[0]}: give batches that do"
        raise ScheduleError(msg)
    return {name: moments.mean() for name, moments in found.items()}


def _wants(layer: nn.Module, form: str) -> bool:
    return form != SPATIAL_TEMPORAL or _patch_inputs(layer) <= MOST_INPUTS


def _patch_inputs(layer: nn.Module) -> int:
    return layer.get_parameter("weight")[0, :, 0].numel()


def _observer(form: str, moments: _Moments) -> Callable[..., None]:
    def watch(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if form == SPATIAL_TEMPORAL:
            if isinstance(layer, nn.Conv3d) and _wants(layer, form):
                moments.add(PATCHES, _patches(layer, inputs[0]))
            return
        bias: Any = layer.bias
        plain = _rows(output) if bias is None else _rows(output) - bias
        moments.add(OUTPUTS, plain)
        if form != LOW_RANK:
            moments.add(CHANNELS, _rows(inputs[0]))

    return watch


def _rows(tensor: Tensor) -> Tensor:
    """Return some positions of [N,C,T,H,W], or all of [...,C] of a linear layer, as [n,C]."""
    if tensor.dim() != 5:
        return tensor.reshape(-1, tensor.shape[-1])
    return evenly(tensor.movedim(1, -1).reshape(-1, tensor.shape[1]), _MOST_POSITIONS)


def _patches(layer: nn.Conv3d, clip: Tensor) -> Tensor:
    """Return the spatial patches of some frames, [n, I*H*W]."""
    frames = clip.transpose(1, 2).flatten(0, 1)
    (top, bottom), (left, right) = padding_sides(layer)[1:]
    frames = pad(frames, (left, right, top, bottom))
    place: dict[str, Any] = {
        "kernel_size": layer.kernel_size[1:],
        "dilation": layer.dilation[1:],
        "stride": layer.stride[1:],
    }
    positions = unfold(frames[:1], **place).shape[2]
    frames = evenly(frames, max(1, _MOST_POSITIONS // positions))
    return unfold(frames, **place).transpose(1, 2).flatten(0, 1)
