"""How ranks are chosen: as numbers or shares, by energy, above the noise, or for a cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from torch import Tensor

from vcc.compression.decomposition.vbmf import rank_above_noise
from vcc.errors import ScheduleError

# Halvings of the energy in search of a cost: finer than one rank of any layer.
_HALVINGS = 40

Ranks = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class RankRule:
    """How the ranks of layers are chosen; one of these is set.

    Attributes:
        rank: the rank, one for all of a form or one per rank; the full rank where it is more.
        share: of the full rank, above 0 and at most 1; rounded up.
        energy: share of the squared singular values that is kept at least, above 0 and at most 1.
        macs: share of the layers' multiply-accumulates that is left at most, above 0; all layers
            keep the same energy.
        noise: keep what stands out of the noise, see `vbmf`.
    """

    rank: Ranks | None = None
    share: float | None = None
    energy: float | None = None
    macs: float | None = None
    noise: bool | None = None

    def __post_init__(self) -> None:
        given = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        if len(given) != 1:
            msg = f"one rule of ranks is needed, {' and '.join(given) or 'none'} given"
            raise ScheduleError(msg)


@dataclass(frozen=True)
class LayerChoice:
    """What a layer's ranks are chosen by.

    Attributes:
        spectra: singular values per rank, descending, [full rank] each.
        cost: returns the multiply-accumulates of the form at some ranks.
        macs: those of the layer as it is.
        longer: the longer side of the matrix behind each rank.
    """

    spectra: tuple[Tensor, ...]
    cost: Callable[[Ranks], int]
    macs: int
    longer: Ranks = ()

    @property
    def full(self) -> Ranks:
        """The full ranks."""
        return tuple(len(values) for values in self.spectra)

    def by_energy(self, energy: float) -> Ranks:
        """Return the lowest ranks that keep a share of the squared singular values."""
        return tuple(rank_of_energy(values, energy) for values in self.spectra)

    def above_noise(self) -> Ranks:
        """Return how many directions stand out of the noise."""
        pairs = zip(self.spectra, self.longer, strict=True)
        return tuple(rank_above_noise(values, longer) for values, longer in pairs)


def choose_ranks(
    rule: RankRule, layers: Mapping[str, LayerChoice], *, cheaper: bool = True
) -> dict[str, Ranks]:
    """Return the ranks of each layer.

    Args:
        rule: how they are chosen.
        layers: name -> what there is to choose by.
        cheaper: lower ranks until the form costs less than the layer, down to 1.

    Raises:
        ScheduleError: a number of ranks that the form has not; a cost that rank 1 exceeds.
    """
    energy = _energy_for(rule.macs, layers) if rule.macs is not None else rule.energy
    chosen = {}
    for name, layer in layers.items():
        if rule.noise:
            ranks = layer.above_noise()
        elif energy is not None:
            ranks = layer.by_energy(energy)
        else:
            ranks = _by_size(rule, name, layer.full)
        chosen[name] = _lowered(layer, ranks) if cheaper else ranks
    return chosen


def rank_of_energy(values: Tensor, energy: float) -> int:
    """Return the lowest rank whose squared singular values sum to a share of all, at least 1."""
    squares = values.double() ** 2
    total = float(squares.sum())
    if total == 0:
        return 1
    # The small term keeps rounding from asking for one direction more than all that count.
    enough = (squares.cumsum(0) / total >= energy - 1e-12).nonzero()
    return int(enough[0]) + 1 if len(enough) else len(values)


def kept_energy(values: Tensor, rank: int) -> float:
    """Return the share of the squared singular values that a rank keeps, 0..1; 1 of none."""
    squares = values.double() ** 2
    total = float(squares.sum())
    return 1.0 if total == 0 else float(squares[:rank].sum()) / total


def _by_size(rule: RankRule, name: str, full: Ranks) -> Ranks:
    if rule.share is not None:
        # The small term keeps 0.07 * 100 at 7 although its binary value is just above.
        share = rule.share
        return tuple(max(1, math.ceil(share * most - 1e-9)) for most in full)
    ranks = rule.rank or ()
    if len(ranks) == 1:
        ranks *= len(full)
    if len(ranks) != len(full):
        msg = f"{name}: {len(ranks)} ranks are given where its form has {len(full)}"
        raise ScheduleError(msg)
    return tuple(min(rank, most) for rank, most in zip(ranks, full, strict=True))


def _energy_for(share: float, layers: Mapping[str, LayerChoice]) -> float:
    """Return the largest energy at which the layers together cost at most a share of now."""
    allowed = share * sum(layer.macs for layer in layers.values())
    if not layers or _cost_at(1.0, layers) <= allowed:
        return 1.0
    lowest = _cost_at(0.0, layers)
    if lowest > allowed:
        least = lowest / sum(layer.macs for layer in layers.values())
        msg = f"macs {share:g} cannot be met: rank 1 in every layer leaves {least:.3g}"
        raise ScheduleError(msg)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _cost_at(middle, layers) <= allowed:
            low = middle
        else:
            high = middle
    return low


def _cost_at(energy: float, layers: Mapping[str, LayerChoice]) -> int:
    return sum(layer.cost(layer.by_energy(energy)) for layer in layers.values())


def _lowered(layer: LayerChoice, ranks: Ranks) -> Ranks:
    """Return the ranks, all reduced by the same share until the form costs less than the layer."""
    most = max(ranks)
    return next(
        (low for low in _ever_lower(ranks, most) if layer.cost(low) < layer.macs), (1,) * len(ranks)
    )


def _ever_lower(ranks: Sequence[int], most: int) -> Iterator[Ranks]:
    for step in range(most, 0, -1):
        yield tuple(max(1, rank * step // most) for rank in ranks)
