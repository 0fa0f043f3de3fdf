"""The interface of a regularizer: a term of the loss, and what falls below its threshold."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vcc.compression.binding import Site
from vcc.compression.schedule.arguments import Arguments
from vcc.errors import ScheduleError
from vcc.registry import Registry


class Regularizer(abc.ABC):
    """A term of the loss, and the mask of what it has made small enough to drop.

    Args:
        criterion: what a structure's size is measured by when thresholding; None never thresholds.
    """

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


@dataclass(frozen=True, kw_only=True)
class RegularizerArguments(Arguments, abc.ABC):
    """Arguments of a regularizer of the schedule's section `regularizers`."""

    @abc.abstractmethod
    def build(self, site: Site) -> Regularizer:
        """Return the regularizer of a network; what does not fit it is noted as a problem."""


REGULARIZERS: Registry[type[RegularizerArguments]] = Registry(
    "regularizer",
    group="vcc.regularizers",
    rooms=("vcc.compression.regularizers",),
    error=ScheduleError,
)
