"""Times of layers on this machine, measured once and kept in a file, and a network's latency by
them.

A layer's channels are rounded up to what the table has entries for. What is between the layers is
not in it: a line through two whole networks that were measured, the dense one and the smallest,
stands for that.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vcc.data.machine import package_version, usable_cores
from vcc.errors import DataError
from vcc.export.doctor import cpu_features, cpu_name
from vcc.export.layer_latency import LayerShape, time_layer
from vcc.files import write_whole
from vcc.models.kernels import triple
from vcc.models.modes import evaluating

_VECTOR, _FEW = 8, 4
_PACKAGES = ("openvino", "onnxruntime", "onnxruntime-gpu")


class LayerTable:
    """Milliseconds of layers on one runtime of this machine.

    Args:
        folder: of such tables; each file is of one processor, runtime and its version.
        provider: a registered runtime.
    """

    def __init__(self, folder: Path, provider: str) -> None:
        self._provider, self._threads = provider, usable_cores()
        self.machine = machine_facts(provider)
        text = json.dumps(self.machine, sort_keys=True)
        self.path = folder / f"{provider}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
        self._times: dict[str, float] = _read(self.path)

    def milliseconds(self, shape: LayerShape, *, int8: bool) -> float:
        """Return the time of a layer, measured now if the table has not its like.

        Raises:
            ExportError: the runtime cannot run it.
        """
        full, like = (_widened(shape, coarse=coarse) for coarse in (False, True))
        key = f"{'int8' if int8 else 'f32'} {like.key()}"
        if key not in self._times:
            self._times[key] = time_layer(
                like, provider=self._provider, int8=int8, threads=self._threads
            )
        # A half-filled vector takes the time of a full one; fewer vectors take less.
        return self._times[key] * full.macs / like.macs

    def sum_of(self, shapes: Sequence[LayerShape], *, int8: bool) -> float:
        """Return the milliseconds of layers one after the other, and keep what was measured."""
        known = len(self._times)
        total = sum(self.milliseconds(shape, int8=int8) for shape in shapes)
        if len(self._times) > known:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            content = {"machine": self.machine, "milliseconds": self._times}
            write_whole(self.path, json.dumps(content, indent=1))
        return total


@dataclasses.dataclass(frozen=True)
class Line:
    """Latency of a network by the sum of its layers' times: offset + factor x sum, ms.

    Nothing is faster than `least`, what the smallest network was measured at.
    """

    offset: float
    factor: float
    least: float = 0.0

    @classmethod
    def through(cls, small: tuple[float, float], large: tuple[float, float]) -> Line:
        """Return the line through two networks, each (sum of its layers' times, measured), ms.

        Where noise would make a larger network the faster one, it goes through zero instead.
        """
        (low, fast), (high, slow) = small, large
        if high <= low or slow <= fast:
            return cls(0.0, slow / high, min(fast, slow))
        factor = (slow - fast) / (high - low)
        return cls(fast - factor * low, factor, fast)

    def __call__(self, total: float) -> float:
        """Return the latency for a sum of layers' times, ms."""
        return max(self.least, self.offset + self.factor * total)


def layer_shapes(model: nn.Module, clip_shape: tuple[int, ...]) -> list[tuple[str, LayerShape]]:
    """Return the convolutions and linear layers that a network runs on a clip (3, T, H, W).

    With their names, in the order in which they run.
    """
    found: list[tuple[str, LayerShape]] = []

    def note(name: str, layer: Any, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        found.append((name, _shape_of(layer, inputs[0])))

    layers = {
        name: part
        for name, part in model.named_modules()
        if isinstance(part, nn.Conv3d | nn.Linear)
    }
    handles = [layer.register_forward_hook(partial(note, name)) for name, layer in layers.items()]
    try:
        with evaluating(model), torch.inference_mode():
            model(torch.zeros(1, *clip_shape))
    finally:
        for handle in handles:
            handle.remove()
    return found


def machine_facts(provider: str) -> dict[str, str]:
    """Return what a layer's time depends on beside the layer: processor, runtime, versions."""
    versions = {name: package_version(name) or "" for name in _PACKAGES}
    return {
        "provider": provider,
        "cpu": cpu_name(),
        "cpu_features": " ".join(cpu_features()),
        "cores": str(usable_cores()),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "",
        **versions,
    }


def _shape_of(layer: nn.Conv3d | nn.Linear, given: Tensor) -> LayerShape:
    if isinstance(layer, nn.Linear):
        return LayerShape(
            inputs=layer.in_features, outputs=layer.out_features, kernel=(1, 1, 1), size=(1, 1, 1)
        )
    padding = (0, 0, 0) if isinstance(layer.padding, str) else layer.padding
    return LayerShape(
        inputs=layer.in_channels,
        outputs=layer.out_channels,
        kernel=triple(layer.kernel_size),
        stride=triple(layer.stride),
        padding=triple(padding),
        groups=layer.groups,
        size=triple(given.shape[-3:]),
    )


def _widened(shape: LayerShape, *, coarse: bool) -> LayerShape:
    """Return a layer with its channels rounded up to whole vectors, or to what the table has."""
    return dataclasses.replace(
        shape,
        inputs=_up(shape.inputs, shape.groups, coarse=coarse),
        outputs=_up(shape.outputs, shape.groups, coarse=coarse),
    )


def _up(channels: int, groups: int, *, coarse: bool) -> int:
    if channels <= _FEW:
        return channels
    step = _VECTOR
    if coarse and channels > 8 * _VECTOR:
        step = 2 ** (math.ceil(math.log2(channels)) - 3)
    step = math.lcm(step, groups)
    return -(-channels // step) * step


def _read(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    try:
        read: Mapping[str, Any] = json.loads(path.read_text("utf-8"))["milliseconds"]
        times = {str(key): float(value) for key, value in read.items()}
        # The comparison also catches NaN.
        if not all(0 < value < math.inf for value in times.values()):
            msg = "a time is no finite number above 0"
            raise ValueError(msg)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{path}: is no table of layers' times ({error}): delete it to measure them again"
        raise DataError(msg) from error
    return times
