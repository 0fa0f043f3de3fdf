"""How many directions of a matrix are more than noise: empirical variational Bayes.

Nakajima, Sugiyama, Babacan and Tomioka 2013, "Global Analytic Solution of Fully-Observed
Variational Bayesian Matrix Factorization", JMLR 14: the noise is what maximises the free energy in
one variable, and what is kept are the singular values above a threshold that follows from it.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar
from torch import Tensor

# Of the threshold's own series in the square root of the shape's ratio (section 4.3 there).
_TAU = 2.5129


def rank_above_noise(values: Tensor, longer: int) -> int:
    """Return how many singular values of a matrix stand out of its noise, at least 1.

    Args:
        values: all singular values, descending, [shorter side].
        longer: the longer side of the matrix.
    """
    squares = values.double().cpu().numpy() ** 2
    total = float(squares.sum())
    if total == 0:
        return 1
    ratio = len(squares) / longer
    tau = _TAU * math.sqrt(ratio)
    least = (1 + tau) * (1 + ratio / tau)
    # Below the upper end all is noise; at the lower one no more values stand out than may.
    most_kept = max(0, min(math.ceil(len(squares) / (1 + ratio)) - 1, len(squares) - 1))
    rest = squares[most_kept:]
    low = max(squares[most_kept] / (longer * least), float(rest.mean()) / longer)
    high = total / (len(squares) * longer)
    # In units of the upper end, since weights may be of any size.
    found = minimize_scalar(
        lambda noise: _free_energy(squares / (longer * high * noise), ratio, least, noise),
        bounds=(max(low / high, 1e-12), 1.0),
        method="bounded",
    )
    return max(1, int((squares > longer * high * float(found.x) * least).sum()))


def _free_energy(x: np.ndarray, ratio: float, least: float, noise: float) -> float:
    """Return the free energy of a noise, without what does not depend on it.

    Args:
        x: squared singular values, over the longer side times the noise.
        ratio: shorter side by longer side.
        least: from which on a value is kept.
        noise: its variance.
    """
    kept, rest = x[x > least], np.maximum(x[x <= least], np.finfo(np.float64).tiny)
    root = kept - (1 + ratio)
    tau = 0.5 * (root + np.sqrt(np.maximum(root**2 - 4 * ratio, 0)))
    of_kept = kept - tau + np.log((tau + 1) / kept) + ratio * np.log(tau / ratio + 1)
    return float((rest - np.log(rest)).sum() + of_kept.sum())
