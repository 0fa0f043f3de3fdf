"""Weights rounded so that the layer's output errs least, instead of each to its nearest value.

GPTQ: a layer's inputs are correlated, so what one weight loses by rounding the weights that are not
rounded yet can make up for. Frantar, Ashkboos, Hoefler and Alistarh 2023, "GPTQ: Accurate
Post-Training Quantization for Generative Pre-trained Transformers"; the criterion is that of
AdaRound (Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization"), solved
by elimination and not by gradients: no step size, no iterations, the same result each time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Returns values of the grid for [groups, filters].
Snap = Callable[[Tensor], Tensor]

# Share of the mean variance of inputs that is added to each: few clips make the moments singular.
_DAMPING = 0.01
_BLOCK = 128


def round_by_moments(weight: Tensor, moments: Tensor, snap: Snap, fixed: Tensor) -> Tensor:
    """Return values of the grid for a weight, [groups, filters, inputs].

    Args:
        weight: [groups, filters, inputs].
        moments: E[x x'] of the inputs, [groups, inputs, inputs].
        snap: rounds values of a column of the weight to the grid.
        fixed: bool, as the weight: weights that are rounded to the nearest and stay themselves in
            what is returned (those that are zero or define the grid).
    """
    factor = _factor(moments)
    left, rounded = weight.clone(), weight.clone()
    n_inputs = weight.shape[-1]
    for start in range(0, n_inputs, _BLOCK):
        end = min(start + _BLOCK, n_inputs)
        errors = torch.zeros_like(weight[..., start:end])
        for column in range(start, end):
            now, fix = left[..., column], fixed[..., column]
            value = snap(torch.where(fix, weight[..., column], now))
            rounded[..., column] = torch.where(fix, weight[..., column], value)
            error = (now - value) / factor[:, column, column, None]
            left[..., column:end] -= error.unsqueeze(-1) * factor[:, None, column, column:end]
            errors[..., column - start] = error
        left[..., end:] -= errors @ factor[:, start:end, end:]
    return rounded


def output_error(difference: Tensor, moments: Tensor) -> float:
    """Return the mean squared error of outputs, summed over filters, for an error of the weight.

    Args:
        difference: of the weight, [groups, filters, inputs].
        moments: E[x x'], [groups, inputs, inputs].
    """
    return float(((difference @ moments) * difference).sum())


def _factor(moments: Tensor) -> Tensor:
    """Return the upper triangular factor of the inverse, [groups, inputs, inputs]."""
    diagonal = moments.diagonal(dim1=1, dim2=2)
    # An input that is always zero says nothing; one that is nearly so must not divide by zero.
    damped = diagonal + _DAMPING * diagonal.mean(dim=1, keepdim=True)
    damped = damped.where(diagonal.sum(dim=1, keepdim=True) > 0, 1.0)
    moments = moments.clone()
    moments.diagonal(dim1=1, dim2=2).copy_(damped)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(moments))
    factor: Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor
