"""What a candidate is, and which candidates there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from vcc.pipeline.search.groups import LayerGroup

# A group keeps a tenth of its filters at least.
MOST, STEP = 0.9, 0.05
# Shares of the full rank; 1 leaves the layer as it is.
RANKS = (1.0, 0.5, 0.25, 0.12, 0.06)
INT8, FLOAT = "int8", "f32"
_FILTERS, _RANK, _PRECISION = "filters.", "rank.", "precision"


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
        int8: whether it is quantized.
    """

    filters: Mapping[str, float]
    ranks: Mapping[str, float]
    int8: bool

    def params(self) -> dict[str, Any]:
        """Return it as an Optuna trial's parameters."""
        return {
            **{f"{_FILTERS}{name}": share for name, share in self.filters.items()},
            **{f"{_RANK}{name}": share for name, share in self.ranks.items()},
            _PRECISION: INT8 if self.int8 else FLOAT,
        }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """Return the candidate of an Optuna trial's parameters."""
        return cls(
            filters=_under(_FILTERS, params),
            ranks=_under(_RANK, params),
            int8=params[_PRECISION] == INT8,
        )


@dataclass(frozen=True, kw_only=True)
class Space:
    """All candidates for a network.

    Attributes:
        groups: what filters are taken from.
        units: "stem" and "hidden" -> weights that are decomposed together.
        precisions: of `INT8` and `FLOAT`, those that the runtime has.
    """

    groups: tuple[LayerGroup, ...]
    units: Mapping[str, tuple[str, ...]]
    precisions: tuple[str, ...]

    def suggest(self, trial: Suggests) -> SearchCandidate:
        """Return the candidate that a trial proposes."""
        filters = {
            group.name: trial.suggest_float(f"{_FILTERS}{group.name}", 0.0, MOST, step=STEP)
            for group in self.groups
        }
        ranks = {
            unit: float(trial.suggest_categorical(f"{_RANK}{unit}", RANKS)) for unit in self.units
        }
        precision = trial.suggest_categorical(_PRECISION, self.precisions)
        return SearchCandidate(filters=filters, ranks=ranks, int8=precision == INT8)

    def of(self, shares: Mapping[str, float], rank: float, int8: bool) -> SearchCandidate:
        """Return a candidate.

        Args:
            shares: of each group's filters that go, rounded to multiples of `STEP`.
            rank: of the stem, where it can be decomposed; the other layers stay as they are.
            int8: whether it is quantized.
        """
        return SearchCandidate(
            filters={name: rounded(share) for name, share in shares.items()},
            ranks={unit: rank if unit == "stem" else 1.0 for unit in self.units},
            int8=int8,
        )

    def smallest(self, *, int8: bool) -> SearchCandidate:
        """Return what costs the least of all candidates of a precision."""
        return SearchCandidate(
            filters={group.name: MOST for group in self.groups},
            ranks=dict.fromkeys(self.units, RANKS[-1]),
            int8=int8,
        )


def rounded(share: float) -> float:
    """Return the nearest share that a candidate can have."""
    return round(min(MOST, max(0.0, round(share / STEP) * STEP)), 4)


def _under(prefix: str, params: Mapping[str, Any]) -> dict[str, float]:
    return {
        name.removeprefix(prefix): float(value)
        for name, value in params.items()
        if name.startswith(prefix)
    }
