"""The classes of a schedule's section `decomposers`: one per form, and how ranks are chosen."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vcc.compression.binding import Site
from vcc.compression.decomposition.decompose import Decomposer
from vcc.compression.decomposition.ranks import RankRule
from vcc.compression.schedule.arguments import Arguments, argument
from vcc.compression.schedule.fields import (
    Checker,
    boolean,
    integer,
    list_of,
    names,
    number,
    optional,
)
from vcc.errors import ScheduleError
from vcc.models.decomposed import LOW_RANK, SPATIAL_TEMPORAL, TUCKER2
from vcc.registry import Registry

_RULES = ("rank", "rank_share", "energy", "macs", "vbmf")
_SHARE = optional(number(above=0, at_most=1))


@dataclass(frozen=True, kw_only=True)
class DecomposerArguments(Arguments, abc.ABC):
    """Arguments of a decomposer of the schedule's section `decomposers`.

    Attributes:
        form: see `vcc.models.decomposed`.
    """

    form: ClassVar[str]

    weights: tuple[str, ...] = argument(
        names, help_text="extension: weights of the layers, by names or selectors"
    )
    rank: int | None = argument(
        optional(integer(1)), None, "extension: channels between the layers"
    )
    rank_share: float | None = argument(
        _SHARE, None, "extension: in place of rank: share of the full rank, 0 to 1, rounded up"
    )
    energy: float | None = argument(
        _SHARE, None, "extension: in place of rank: share of squared singular values to keep, 0-1"
    )
    macs: float | None = argument(
        _SHARE,
        None,
        "extension: in place of rank: share of the layers' multiply-accumulates to leave, 0 to 1; "
        "all layers keep the same energy",
    )
    vbmf: bool = argument(
        boolean,
        False,
        "extension: in place of rank: true keeps what stands out of the noise of the weights, by "
        "variational Bayes",
    )
    cheaper: bool = argument(
        boolean, True, "extension: lower ranks until the layers cost less than the one did"
    )
    data_aware: bool = argument(
        boolean,
        False,
        "extension: minimise the error of outputs on calibration clips, not that of weights",
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super().conflicts(given)
        chosen = [name for name in _RULES if given.get(name) not in (None, False)]
        if len(chosen) != 1:
            yield f"one of {', '.join(_RULES)} is needed, {' and '.join(chosen) or 'none'} given"

    def build(self, site: Site) -> Decomposer:
        """Return what is to be done with which weights of a network."""
        if self.data_aware and site.network.calibration is None:
            site.problem("data_aware", "needs calibration clips: give file_config a calibration")
        rank = self.rank
        return Decomposer(
            weights=site.names(self.weights),
            form=self.form,
            rule=RankRule(
                rank=(rank,) if isinstance(rank, int) else rank,
                share=self.rank_share,
                energy=self.energy,
                macs=self.macs,
                noise=self.vbmf or None,
            ),
            cheaper=self.cheaper,
            data_aware=self.data_aware,
        )


DECOMPOSERS: Registry[type[DecomposerArguments]] = Registry(
    "decomposer",
    group="vcc.decomposers",
    rooms=("vcc.compression.decomposition",),
    error=ScheduleError,
)


@DECOMPOSERS.register("SpatialTemporalDecomposer")
@dataclass(frozen=True, kw_only=True)
class SpatialTemporalArguments(DecomposerArguments):
    """Makes 3-D convolutions a spatial one and then a temporal one, by truncated SVD: (2+1)D."""

    form = SPATIAL_TEMPORAL


@DECOMPOSERS.register("LowRankDecomposer")
@dataclass(frozen=True, kw_only=True)
class LowRankArguments(DecomposerArguments):
    """Makes a layer one with fewer filters and then a 1x1x1 one, by truncated SVD; linear ones too.

    The second of a linear layer's is linear.
    """

    form = LOW_RANK


def _rank_or_pair() -> Checker:
    pair = list_of(integer(1), 2)

    def check(value: Any) -> Any:
        return pair(value) if isinstance(value, list | tuple) else integer(1)(value)

    return optional(check)


@DECOMPOSERS.register("Tucker2Decomposer")
@dataclass(frozen=True, kw_only=True)
class Tucker2Arguments(DecomposerArguments):
    """Makes 3-D convolutions a 1x1x1, a smaller one and a 1x1x1: Tucker-2, of the channels."""

    form = TUCKER2

    rank: Any = argument(
        _rank_or_pair(), None, "extension: channels between the layers: a number, or a list of two"
    )
