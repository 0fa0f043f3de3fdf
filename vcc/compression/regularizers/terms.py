"""Loss terms that push weights, or whole structures of them, towards zero."""

from __future__ import annotations

import abc
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vcc.compression.masks.group_thresholds import group_threshold_mask
from vcc.compression.masks.structures import map_dims, structure_norms

# keeps the gradient of a channel's norm finite at zero, as Distiller does
_CHANNEL_EPS = 1e-8


class Regularizer(abc.ABC):
    """A term of the loss, and the mask of what it has made small enough to drop.

    Args:
        criterion: what a structure's size is measured by when thresholding; None never thresholds.
    """

    class_name: str

    def __init__(self, criterion: str | None) -> None:
        self.criterion = criterion

    @property
    @abc.abstractmethod
    def targets(self) -> tuple[str, ...]:
        """Names of the parameters that are regularized."""

    @abc.abstractmethod
    def loss(self, name: str, parameter: Tensor) -> Tensor:
        """Return the term of one parameter, a scalar."""

    @abc.abstractmethod
    def keep(self, name: str, parameter: Tensor) -> Tensor:
        """Return the mask of what exceeds the threshold, which is the strength itself."""

    def total(self, parameters: Mapping[str, nn.Parameter]) -> Tensor:
        """Return the sum of the terms of all parameters."""
        terms = [self.loss(name, parameters[name]) for name in self.targets if name in parameters]
        return torch.stack(terms).sum()


class L1Regularizer(Regularizer):
    """strength * sum of |w|.

    Args:
        strengths: parameter name -> strength.
        criterion: any word turns thresholding on: |w| > strength is kept.
    """

    class_name = "L1Regularizer"

    def __init__(self, strengths: Mapping[str, float], criterion: str | None = None) -> None:
        super().__init__(criterion)
        self.strengths = dict(strengths)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.strengths)

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.abs().sum() * self.strengths[name]

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.detach().abs() > self.strengths[name]


class L2Regularizer(L1Regularizer):
    """strength * sum of w^2 (an extension: weight decay for chosen parameters)."""

    class_name = "L2Regularizer"

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.pow(2).sum() * self.strengths[name]


class GroupLassoRegularizer(Regularizer):
    """strength * sum over groups of ||g||_2, without a group-size factor (Wen et al. 2016).

    Args:
        regimes: parameter name -> (strength, group); `A+B` sums both groups' terms.
        criterion: Max or Mean_Abs to threshold the same groups by the same strength.
    """

    class_name = "GroupLassoRegularizer"

    def __init__(
        self, regimes: Mapping[str, tuple[float, str]], criterion: str | None = None
    ) -> None:
        super().__init__(criterion)
        self.regimes = dict(regimes)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.regimes)

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        strength, group = self.regimes[name]
        return torch.stack([_lasso(parameter, part) for part in group.split("+")]).sum() * strength

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        strength, group = self.regimes[name]
        return group_threshold_mask(parameter, group, strength, self.criterion or "Max")


class GroupVarianceRegularizer(Regularizer):
    """strength / var(channel norms): rewards channels of unequal size; unbiased variance.

    Args:
        regimes: parameter name -> (strength, "Channels").
    """

    class_name = "GroupVarianceRegularizer"

    def __init__(self, regimes: Mapping[str, tuple[float, str]]) -> None:
        super().__init__(None)
        self.regimes = dict(regimes)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.regimes)

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        norms = channel_norms(parameter)
        return self.regimes[name][0] / norms.var()

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        return torch.ones_like(parameter, dtype=torch.bool)


def channel_norms(weight: Tensor) -> Tensor:
    """Return the L2 norm of each input channel, with a small constant under the root."""
    others = [dim for dim in range(weight.dim()) if dim != 1]
    norms: Tensor = (weight.pow(2).sum(dim=others) + _CHANNEL_EPS).sqrt()
    return norms


def _lasso(weight: Tensor, group: str) -> Tensor:
    if group == "Channels":
        return channel_norms(weight).sum()
    dims = () if group == "4D" else map_dims(group, weight)
    others = [dim for dim in range(weight.dim()) if dim not in dims]
    if not others:
        return structure_norms(weight, dims, order=2).sum()
    # vector_norm's gradient at an exactly zero group is 0, where a bare root's would be nan
    norms: Tensor = torch.linalg.vector_norm(weight, dim=others)
    return norms.sum()
