"""Statistics of activations over calibration clips, in memory that does not grow with their number.

Two passes: extremes and moments first, then the mean deviation and a histogram between the
extremes. Moments are joined by the parallel update of Chan et al. 1979.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from vcc.compression.quantization.clipping import ActivationStats
from vcc.errors import ScheduleError, one_line
from vcc.models.modes import evaluating

N_BINS = 2048
# beyond this, whole numbers are not all floats
_MOST = 2**53
# elements that are looked at together: float32 counts stop at 2^24, and float64 copies stay small
_PIECE = 1 << 22
Batches = Iterable[Tensor]
# the safe ones, in C where PyYAML has them: a histogram is two thousand lines
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RunningStats:
    """Statistics of one activation."""

    def __init__(self) -> None:
        self.count = 0
        self.n_samples = 0
        self.minimum, self.maximum = float("inf"), float("-inf")
        self.sum_min = self.sum_max = 0.0
        self.mean = self.squares = 0.0
        self.deviation = 0.0
        self.histogram = torch.zeros(N_BINS, dtype=torch.float64)

    def first_pass(self, x: Tensor) -> None:
        """Take a batch [N, ...] into extremes and moments."""
        flat = x.detach().float().flatten(1)
        lows, highs = flat.amin(dim=1), flat.amax(dim=1)
        self.minimum = min(self.minimum, float(lows.min()))
        self.maximum = max(self.maximum, float(highs.max()))
        self.sum_min += float(lows.sum())
        self.sum_max += float(highs.sum())
        self.n_samples += len(flat)
        for piece in torch.split(flat.flatten(), _PIECE):
            self._join(piece.double())

    def _join(self, values: Tensor) -> None:
        count, mean = values.numel(), float(values.mean())
        squares = float((values - mean).square().sum())
        delta, total = mean - self.mean, self.count + count
        self.mean += delta * count / total
        self.squares += squares + delta**2 * self.count * count / total
        self.count = total

    def second_pass(self, x: Tensor) -> None:
        """Take a batch into the mean deviation and the histogram."""
        for piece in torch.split(x.detach().float().flatten(), _PIECE):
            self.deviation += float((piece - self.mean).abs().double().sum())
            if self.maximum > self.minimum:
                counts = torch.histc(piece.cpu(), N_BINS, self.minimum, self.maximum)
                self.histogram += counts.double()

    def result(self) -> ActivationStats:
        """Return the statistics so far."""
        n = max(1, self.n_samples)
        return ActivationStats(
            minimum=self.minimum,
            maximum=self.maximum,
            avg_min=self.sum_min / n,
            avg_max=self.sum_max / n,
            mean=self.mean,
            std=(self.squares / max(1, self.count - 1)) ** 0.5,
            b=self.deviation / max(1, self.count),
            counts=tuple(int(count) for count in self.histogram.tolist()),
        )


def tensor_stats(x: Tensor) -> ActivationStats:
    """Return the statistics of one batch [N, ...]."""
    running = RunningStats()
    running.first_pass(x)
    running.second_pass(x)
    return running.result()


def collect_statistics(
    model: nn.Module, modules: Mapping[str, nn.Module], batches: Callable[[], Batches]
) -> dict[str, ActivationStats]:
    """Return the statistics of the inputs of some modules over calibration batches.

    The network runs in evaluation mode, without gradients, twice over the batches, clip by clip.

    Args:
        model: the network.
        modules: name -> module whose input is observed.
        batches: returns the calibration batches [N,C,...], the same ones each time.

    Raises:
        ScheduleError: there are no clips.
    """
    running = {name: RunningStats() for name in modules}
    for take in ("first_pass", "second_pass"):
        handles = [
            module.register_forward_pre_hook(_observer(running[name], take))
            for name, module in modules.items()
        ]
        try:
            n_clips = _run(model, batches())
        finally:
            for handle in handles:
                handle.remove()
        if n_clips == 0:
            msg = "there are no calibration clips: give file_config some, from training clips"
            raise ScheduleError(msg)
    return {name: stats.result() for name, stats in running.items() if stats.n_samples}


def load_statistics(path: Path) -> dict[str, ActivationStats]:
    """Read the dialect's YAML: layer -> inputs -> 0 -> figures, and a histogram if there is one.

    Returns:
        name -> statistics of its first input; `NAME.output` -> of its output, where they are given.

    Raises:
        ScheduleError: the file is missing or holds something else.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
        found = {}
        for name, layer in raw.items():
            inputs = layer.get("inputs") or {}
            histogram = tuple(layer.get("histogram", ()))
            for figures in list(inputs.values())[:1]:
                found[str(name)] = _from_figures(inputs.get(0, figures), histogram)
            if "output" in layer:
                found[f"{name}.output"] = _from_figures(layer["output"], ())
    except (
        OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, RecursionError,
    ) as error:  # fmt: skip
        msg = f"{path}: no activation statistics there ({type(error).__name__}: {error})"
        raise ScheduleError(one_line(msg)) from error
    return found


def _from_figures(figures: Mapping[str, Any], histogram: tuple[int, ...]) -> ActivationStats:
    if not all(isinstance(count, int | float) and 0 <= count <= _MOST for count in histogram):
        msg = "a histogram holds something else than counts"
        raise ValueError(msg)
    return ActivationStats(
        minimum=_finite(figures, "min"),
        maximum=_finite(figures, "max"),
        avg_min=_finite(figures, "avg_min"),
        avg_max=_finite(figures, "avg_max"),
        mean=_finite(figures, "mean"),
        std=_finite(figures, "std"),
        b=_finite({"b": 0.0, **figures}, "b"),
        counts=histogram,
    )


def _finite(figures: Mapping[str, Any], name: str) -> float:
    found = float(figures[name])
    if not math.isfinite(found):
        msg = f"{name} is {found}, no finite number"
        raise ValueError(msg)
    return found


def _observer(running: RunningStats, take: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        getattr(running, take)(args[0])

    return hook


def _run(model: nn.Module, batches: Batches) -> int:
    device = next(model.parameters()).device
    n_clips = 0
    with evaluating(model), torch.no_grad():
        # One by one: the activations of a batch of video clips alone fill gigabytes.
        for clip in (clip for batch in batches for clip in batch.unbind()):
            model(clip.unsqueeze(0).to(device))
            n_clips += 1
    return n_clips
