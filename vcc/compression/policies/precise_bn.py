"""BatchNorm statistics estimated again on calibration clips, after the structure has changed."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vcc.compression.binding import BuildContext
from vcc.compression.engine.distributed import tensors_from_rank_zero
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.policies.extensions import EXTENSIONS, ExtensionArguments
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.fields import integer
from vcc.compression.schedule.schedule import PolicySpec
from vcc.errors import ScheduleError
from vcc.models.modes import evaluating

log = logging.getLogger(__name__)

Calibration = Callable[[], Iterable[Tensor]]

_STATISTICS = ("running_mean", "running_var")


@EXTENSIONS.register("PreciseBN")
@dataclass(frozen=True, kw_only=True)
class PreciseBN(ExtensionArguments):
    """Estimates BatchNorms' means and variances again on calibration clips: PreciseBN."""

    batch_size: int = argument(
        integer(2), 16, "extension: clips that are normalised together, at least 2"
    )

    def policy(self, spec: PolicySpec, network: BuildContext) -> Policy | None:
        if network.calibration is None:
            part = network.schedule.component(spec.subject, spec.instance)
            network.problem(part.path, "needs calibration clips: give file_config a calibration")
            return None
        return PreciseBNPolicy(
            spec.instance, spec.epochs, calibration=network.calibration, batch_size=self.batch_size
        )


class PreciseBNPolicy(Policy):
    """Estimates the statistics again before each of its epochs.

    It stands below what changed the structure in a file, and acts after it. Masks hold meanwhile.

    Args:
        name: instance name.
        active: epochs before whose first minibatch it acts.
        calibration: returns calibration batches.
        batch_size: clips that are normalised together.
    """

    structural = True

    def __init__(
        self, name: str, active: ActiveEpochs, *, calibration: Calibration, batch_size: int
    ) -> None:
        super().__init__(name, active)
        self.calibration, self.batch_size = calibration, batch_size

    def restructure(self, context: StepContext) -> None:
        context.store.apply_for_forward()
        count = estimate_batchnorms_(context.model, self.calibration(), batch_size=self.batch_size)
        log.info("%s: statistics of %d BatchNorms estimated again", self.name, count)


def estimate_batchnorms_(
    model: nn.Module, batches: Iterable[Tensor], *, batch_size: int = 16
) -> int:
    """Give BatchNorms the mean, over batches, of each batch's mean and variance.

    Cumulative (momentum None), as in PreciseBN (Wu and Johnson 2021, "Rethinking Batch in
    BatchNorm"): every batch counts alike, and nothing of the old statistics is left. Only
    BatchNorms compute as in training; dropout does not act.

    Args:
        model: the network; modes and momenta are put back.
        batches: clips [N,C,...]; joined or cut to `batch_size`; of the last, less than half a
            batch is left out where there were others.
        batch_size: clips that are normalised together.

    Returns:
        How many BatchNorms have new statistics.

    Raises:
        ScheduleError: there are less than two clips; the statistics stay.
    """
    norms = [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]
    if not norms:
        return 0
    place = next(model.parameters())
    joined = _rebatched(batches, batch_size)
    first = next(joined, None)
    if first is None:
        msg = "BatchNorm statistics need two calibration clips at least: give more"
        raise ScheduleError(msg)
    with _only_normalising(model, norms), torch.no_grad():
        for batch in itertools.chain([first], joined):
            model(batch.to(place.device, place.dtype))
    statistics = [norm.get_buffer(name) for norm in norms for name in _STATISTICS]
    tensors_from_rank_zero(statistics)
    return len(norms)


@contextmanager
def _only_normalising(model: nn.Module, norms: list[_BatchNorm]) -> Iterator[None]:
    momenta = [norm.momentum for norm in norms]
    try:
        with evaluating(model):
            for norm in norms:
                norm.train()
                norm.momentum = None
                norm.reset_running_stats()
            yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _rebatched(batches: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Yield batches of `size` clips, and the rest if it is half of one or all that there is.

    A clip alone may have one value per channel in a late layer, which has no variance.
    """
    held: list[Tensor] = []
    yielded = False
    for batch in batches:
        held += list(batch)
        while len(held) >= size:
            yield torch.stack(held[:size])
            held, yielded = held[size:], True
    if len(held) > 1 and (not yielded or 2 * len(held) >= size):
        yield torch.stack(held)
