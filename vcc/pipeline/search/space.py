"""What a candidate is, and which candidates there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from vcc.pipeline.search.groups import LayerGroup
from vcc.pipeline.search.knobs.clips import Clips, cheapest
from vcc.pipeline.search.knobs.precision import Precision
from vcc.pipeline.search.knobs.stem_time import StemTime

# A group keeps a tenth of its filters at least.
MOST, STEP = 0.9, 0.05
# Shares of the full rank; 1 leaves the layer as it is.
RANKS = (1.0, 0.5, 0.25, 0.12, 0.06)
# mixed: each stage has its own
INT8, FLOAT, MIXED = "int8", "f32", "mixed"
STEM = "stem"
# Taps of the stem in time: none is cut off.
ALL_TAPS = 0
_FILTERS, _RANK, _PRECISION = "filters.", "rank.", "precision"
_STAGE, _TAPS, _CLIP = "precision.", "taps.stem", "clip"


class Suggests(Protocol):
    """What proposes the values of a candidate: an Optuna trial, or what a test puts in its place.

    Both methods return a value for a name, of the range or of the choices given.
    """

    def suggest_float(self, name: str, low: float, high: float, *, step: float) -> float:
        """Return a multiple of `step` from low to high."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Return one of the choices."""


@dataclass(frozen=True, kw_only=True)
class SearchCandidate:
    """A way to compress a network.

    Attributes:
        filters: group -> share of its filters that goes, 0 to `MOST`.
        ranks: "stem" or "hidden" -> share of the full rank of their forms; 1: not decomposed.
            Without "stem" where that is cut short.
        int8: whether it is quantized, in full or in part.
        stages: stage -> whether it is quantized; empty: all are as `int8` says.
        taps: of the stem in time that stay, or `ALL_TAPS`; None: it cannot be cut.
        clip: text of its clips' protocol; None: there is one only.
    """

    filters: Mapping[str, float]
    ranks: Mapping[str, float]
    int8: bool
    stages: Mapping[str, bool] = field(default_factory=dict)
    taps: int | None = None
    clip: str | None = None

    def params(self) -> dict[str, Any]:
        """Return it as an Optuna trial's parameters."""
        return {
            **{f"{_FILTERS}{name}": share for name, share in self.filters.items()},
            **({} if self.taps is None else {_TAPS: self.taps}),
            **{f"{_RANK}{name}": share for name, share in self.ranks.items()},
            _PRECISION: MIXED if self.stages else INT8 if self.int8 else FLOAT,
            **{f"{_STAGE}{name}": INT8 if int8 else FLOAT for name, int8 in self.stages.items()},
            **({} if self.clip is None else {_CLIP: self.clip}),
        }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """Return the candidate of an Optuna trial's parameters."""
        return cls(
            filters=_shares_under(_FILTERS, params),
            ranks=_shares_under(_RANK, params),
            int8=params[_PRECISION] != FLOAT,
            stages={name: value == INT8 for name, value in _under(_STAGE, params).items()},
            taps=params.get(_TAPS),
            clip=params.get(_CLIP),
        )


@dataclass(frozen=True, kw_only=True)
class Space:
    """All candidates for a network.

    Attributes:
        groups: what filters are taken from.
        units: "stem" and "hidden" -> weights that are decomposed together.
        precisions: of `INT8`, `FLOAT` and `MIXED`, those that the runtime has.
        stages: stage -> its layers, which have one precision in `MIXED`.
        stem_time: how the stem can be cut in time; None: it cannot.
        clips: text -> clips to try, the dense network's own first; empty: no other.
    """

    groups: tuple[LayerGroup, ...]
    units: Mapping[str, tuple[str, ...]]
    precisions: tuple[str, ...]
    stages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stem_time: StemTime | None = None
    clips: Clips = field(default_factory=dict)

    def suggest(self, trial: Suggests) -> SearchCandidate:
        """Return the candidate that a trial proposes."""
        filters = {
            group.name: trial.suggest_float(f"{_FILTERS}{group.name}", 0.0, MOST, step=STEP)
            for group in self.groups
        }
        taps = None
        if self.stem_time is not None:
            choices = (ALL_TAPS, *self.stem_time.shorter)
            taps = int(trial.suggest_categorical(_TAPS, choices))
        # A stem that is cut short is not decomposed as well.
        units = [unit for unit in self.units if unit != STEM or not taps]
        ranks = {unit: float(trial.suggest_categorical(f"{_RANK}{unit}", RANKS)) for unit in units}
        precision = trial.suggest_categorical(_PRECISION, self.precisions)
        stages = {
            stage: trial.suggest_categorical(f"{_STAGE}{stage}", (INT8, FLOAT)) == INT8
            for stage in (self.stages if precision == MIXED else ())
        }
        clip = trial.suggest_categorical(_CLIP, tuple(self.clips)) if self.clips else None
        return SearchCandidate(
            filters=filters,
            ranks=ranks,
            int8=precision != FLOAT,
            stages=stages,
            taps=taps,
            clip=clip,
        )

    def of(
        self,
        shares: Mapping[str, float],
        rank: float,
        int8: bool,
        *,
        taps: int = ALL_TAPS,
        clip: str | None = None,
    ) -> SearchCandidate:
        """Return a candidate.

        Args:
            shares: of each group's filters that go, rounded to multiples of `STEP`.
            rank: of the stem, where it can be decomposed; the other layers stay as they are.
            int8: whether all of it is quantized.
            taps: of the stem that stay, where it can be cut; `rank` is then of no matter.
            clip: text of its clips; None: the dense network's.
        """
        units = [unit for unit in self.units if unit != STEM or not taps]
        return SearchCandidate(
            filters={name: rounded(share) for name, share in shares.items()},
            ranks={unit: rank if unit == STEM else 1.0 for unit in units},
            int8=int8,
            taps=None if self.stem_time is None else taps,
            clip=clip or next(iter(self.clips), None),
        )

    def smallest(self, *, int8: bool) -> SearchCandidate:
        """Return what costs about the least of all candidates of a precision."""
        return SearchCandidate(
            filters={group.name: MOST for group in self.groups},
            ranks=dict.fromkeys(self.units, RANKS[-1]),
            int8=int8,
            taps=None if self.stem_time is None else ALL_TAPS,
            clip=cheapest(self.clips) if self.clips else None,
        )

    def precision(self, candidate: SearchCandidate) -> Precision:
        """Return in which precision a candidate's layers compute."""
        floats = (self.stages[stage] for stage, int8 in candidate.stages.items() if not int8)
        return Precision(candidate.int8, tuple(name for layers in floats for name in layers))


def rounded(share: float) -> float:
    """Return the nearest share that a candidate can have."""
    return round(min(MOST, max(0.0, round(share / STEP) * STEP)), 4)


def _shares_under(prefix: str, params: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in _under(prefix, params).items()}


def _under(prefix: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value
        for name, value in params.items()
        if name.startswith(prefix)
    }
