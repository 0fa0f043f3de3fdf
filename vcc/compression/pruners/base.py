"""The interface of a pruner, and what it is given when masks are due."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.binding import Site
from vcc.compression.schedule.arguments import Arguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.errors import ScheduleError
from vcc.registry import Registry


@dataclass(frozen=True)
class PruneContext:
    """The moment at which masks are computed.

    Args:
        parameters: all of the network's parameters by name.
        masks: the masks in force.
        active: the policy's epochs.
        epoch: current epoch, absolute.
        step: global minibatch number, 0 at an epoch's begin.
        rank_weight: the tensor to rank in place of a parameter (BatchNorm folded in), or itself.
    """

    parameters: Mapping[str, nn.Parameter]
    masks: Mapping[str, Tensor | None]
    active: ActiveEpochs
    epoch: int
    step: int = 0
    rank_weight: Callable[[str], Tensor] | None = field(default=None)

    def weight(self, name: str) -> Tensor:
        """Return what to rank for a parameter, detached."""
        if self.rank_weight is not None:
            return self.rank_weight(name).detach()
        return self.parameters[name].detach()


class Pruner(abc.ABC):
    """Computes keep masks for the parameters it targets."""

    @property
    @abc.abstractmethod
    def targets(self) -> tuple[str, ...]:
        """Names of the parameters that this pruner may mask."""

    @abc.abstractmethod
    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        """Return the masks to set now; a parameter that is absent keeps the mask it has."""

    # a pruner that ranks by what training shows has nothing to rank by before the first minibatch
    needs_minibatches = False

    def observe_gradients(self, parameters: Mapping[str, nn.Parameter]) -> None:  # noqa: B027 - most look at weights
        """Look at the gradients of a minibatch of the policy's epochs, before the step."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:  # noqa: B027 - most keep nothing
        """Take what `state_dict` returned."""

    def forget_shapes(self) -> None:  # noqa: B027 - most keep nothing
        """Drop whatever was kept per weight shape: the network was thinned."""


@dataclass(frozen=True, kw_only=True)
class PrunerArguments(Arguments, abc.ABC):
    """Arguments of a pruner of the schedule's section `pruners`."""

    @abc.abstractmethod
    def build(self, site: Site) -> Pruner:
        """Return the pruner of a network; what does not fit it is noted as a problem."""


PRUNERS: Registry[type[PrunerArguments]] = Registry(
    "pruner", group="vcc.pruners", rooms=("vcc.compression.pruners",), error=ScheduleError
)


def draw_generator(*parts: Any) -> torch.Generator:
    """Return a CPU generator seeded by what it is for, so that a resumed run draws the same."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
