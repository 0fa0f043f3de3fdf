"""From statistics of an activation to the range that is quantized: the clip modes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vcc.models.quantized.arithmetic import (
    dequantize,
    integer_range,
    is_symmetric,
    linear_parameters,
    quantize,
)

# ACIQ (Banner et al. 2018): best clipping in units of b (Laplace) or of the std (Gauss), by bits;
# half a range, as behind a ReLU, has the levels of one bit more
LAPLACE = {1: 1.86, 2: 2.83, 3: 3.89, 4: 5.03, 5: 6.2, 6: 7.41, 7: 8.64, 8: 9.89, 9: 11.16}
GAUSS = {1: 1.24, 2: 1.71, 3: 2.15, 4: 2.55, 5: 2.93, 6: 3.28, 7: 3.61, 8: 3.92, 9: 4.2}


@dataclass(frozen=True)
class ActivationStats:
    """What is known of an activation over the calibration clips.

    Args:
        minimum: smallest value.
        maximum: largest value.
        avg_min: mean over samples of the sample's smallest value.
        avg_max: mean over samples of the sample's largest value.
        mean: over all elements.
        std: over all elements, unbiased.
        b: mean of |x - mean|.
        counts: histogram between minimum and maximum; empty where none was taken.
    """

    minimum: float
    maximum: float
    avg_min: float
    avg_max: float
    mean: float
    std: float
    b: float
    counts: tuple[int, ...] = ()


def clip_range(
    stats: ActivationStats,
    clip: str,
    *,
    bits: int,
    mode: str,
    n_stds: float | None = None,
    half_range: bool = False,
) -> tuple[float, float]:
    """Return (low, high) of the range to quantize.

    Args:
        stats: of the activation.
        clip: NONE, AVG, N_STD, GAUSS, LAPLACE, PERCENTILE, ENTROPY or MSE.
        bits: of the quantizer.
        mode: of the quantizer; a symmetric range is returned as (-reach, reach).
        n_stds: for N_STD.
        half_range: the activation is one-sided (a ReLU follows).

    Raises:
        ValueError: N_STD without a number, or a histogram mode without a histogram.
    """
    if clip in _BY_HISTOGRAM:
        low, high = _BY_HISTOGRAM[clip](stats, bits, mode)
    elif clip in ("GAUSS", "LAPLACE"):
        return _aciq(stats, clip, bits=bits, mode=mode, half_range=half_range)
    elif clip == "N_STD":
        low, high = _n_std(stats, n_stds)
    elif clip == "AVG":
        low, high = stats.avg_min, stats.avg_max
    else:
        low, high = stats.minimum, stats.maximum
    if half_range:
        low = max(low, 0.0)
    if is_symmetric(mode):
        reach = max(abs(low), abs(high))
        return -reach, reach
    return low, high


def _n_std(stats: ActivationStats, n_stds: float | None) -> tuple[float, float]:
    if not n_stds:
        msg = "clip_acts N_STD needs clip_n_stds, a positive number"
        raise ValueError(msg)
    low = max(stats.minimum, stats.mean - n_stds * stats.std)
    return low, min(stats.maximum, stats.mean + n_stds * stats.std)


def _aciq(
    stats: ActivationStats, clip: str, *, bits: int, mode: str, half_range: bool
) -> tuple[float, float]:
    table, unit = (LAPLACE, stats.b) if clip == "LAPLACE" else (GAUSS, stats.std)
    if is_symmetric(mode):
        reach = abs(stats.mean) + table[bits] * unit
        return -reach, reach
    alpha = table[bits + 1 if half_range else bits] * unit
    low = max(stats.minimum, stats.mean - alpha)
    return low, low + (alpha if half_range else 2 * alpha)


def percentile_range(stats: ActivationStats, share: float) -> tuple[float, float]:
    """Return the range between the (1 - share) and the share quantile of the histogram."""
    counts, edges = _histogram(stats)
    cumulative = np.cumsum(counts) / counts.sum()
    low = edges[int(np.searchsorted(cumulative, 1 - share))]
    high = edges[int(np.searchsorted(cumulative, share)) + 1]
    return float(low), float(high)


def mse_range(stats: ActivationStats, bits: int, mode: str) -> tuple[float, float]:
    """Return the range that the quantizer has the least mean squared error over.

    Of 100 shares of the whole range, on the histogram, by the arithmetic of the mode.
    """
    counts, edges = _histogram(stats)
    weights = torch.from_numpy(counts / counts.sum())
    centres = torch.from_numpy((edges[:-1] + edges[1:]) / 2)
    ends = torch.tensor([[stats.minimum], [stats.maximum]], dtype=torch.float64)
    low, high = ends * torch.linspace(0.01, 1.0, 100, dtype=torch.float64)
    scale, zero_point = (each[:, None] for each in linear_parameters(low, high, bits, mode))
    q = quantize(centres, scale, zero_point).clamp(*integer_range(bits, mode))
    errors = ((dequantize(q, scale, zero_point) - centres).square() * weights).sum(dim=1)
    best = int(errors.argmin())
    return float(low[best]), float(high[best])


def entropy_range(stats: ActivationStats, bits: int) -> tuple[float, float]:
    """Return the range whose quantized histogram diverges least from the true one (TensorRT's).

    Kullback-Leibler divergence of the clipped histogram, outliers put into its last bins, from the
    same in 2^bits groups of bins.
    """
    counts, edges = _histogram(stats)
    centres = (edges[:-1] + edges[1:]) / 2
    best, chosen = np.inf, (stats.minimum, stats.maximum)
    for shrink in np.linspace(0.2, 1.0, 81):
        low, high = stats.minimum * shrink, stats.maximum * shrink
        inside = (centres >= low) & (centres <= high)
        if inside.sum() < 2:
            continue
        divergence = _divergence(counts.astype(np.float64), inside, 2**bits)
        if divergence < best:
            best, chosen = divergence, (low, high)
    return float(chosen[0]), float(chosen[1])


def _divergence(counts: NDArray[np.float64], inside: NDArray[np.bool_], levels: int) -> float:
    where = np.flatnonzero(inside)
    first, last = int(where[0]), int(where[-1])
    reference = counts[first : last + 1].copy()
    reference[0] += counts[:first].sum()
    reference[-1] += counts[last + 1 :].sum()
    kept = counts[first : last + 1]
    groups = np.minimum(np.arange(len(kept)) * levels // len(kept), levels - 1)
    occupied = np.bincount(groups, weights=(kept > 0), minlength=levels)
    sums = np.bincount(groups, weights=kept, minlength=levels)
    quantized = np.where(kept > 0, sums[groups] / np.maximum(occupied[groups], 1), 0.0)
    p, q = reference / reference.sum(), quantized / max(quantized.sum(), 1e-12)
    both = (p > 0) & (q > 0)
    missed = p[(p > 0) & (q == 0)].sum()
    # mass that the quantized histogram has no place for counts as if at one millionth
    return float((p[both] * np.log(p[both] / q[both])).sum() + missed * np.log(1e6))


def _histogram(stats: ActivationStats) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if not stats.counts:
        msg = "this clip mode needs a histogram of the activation"
        raise ValueError(msg)
    counts = np.array(stats.counts, dtype=np.int64)
    return counts, np.linspace(stats.minimum, stats.maximum, len(counts) + 1)


_BY_HISTOGRAM: dict[str, Callable[[ActivationStats, int, str], tuple[float, float]]] = {
    "PERCENTILE": lambda stats, _bits, _mode: percentile_range(stats, 0.9999),
    "ENTROPY": lambda stats, bits, _mode: entropy_range(stats, bits),
    "MSE": mse_range,
}
