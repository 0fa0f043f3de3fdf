"""What a study's matrix says: models x methods x repeats, and the cells that follow from it.

Every model is trained dense and compressed by every method, or by those that name it under
`models`, once per repeat: a seed, an official split (trained by the seed of its number) or a fold
of a group cross-validation. `vcc.config.yaml_files.study_reader` reads it from a file.
"""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

from vcc.config.compression import COMPRESSION_TYPES
from vcc.config.data import ClipOptions, PrepareOptions
from vcc.config.model import ModelOptions
from vcc.config.options import Options, option
from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.errors import ConfigError, nearest

DENSE = "dense"
SHIPPED = Path(__file__).parents[1] / "studies" / "tier1.yaml"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeedOptions(Options):
    """The clip that latency is measured on, whatever size the networks were trained at."""

    sample_size: int = option(112, "height and width of a timed clip, pixels", at_least=16)
    sample_duration: int = option(16, "frames in a timed clip", at_least=1)
    latency_runs: int = option(25, "timed runs of each network, taken in turns", at_least=5)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MethodOptions(Options):
    """How a network is compressed."""

    schedule: Path | None = option(
        None, "YAML schedule; {family} stands for the model's; default: compression_type's"
    )
    compression_type: tuple[str, ...] = option(
        ("ep",), "kinds of shipped schedule, alone or chained", choices=COMPRESSION_TYPES
    )
    n_epochs: int | None = option(None, "epochs; default: as many as the schedule", at_least=0)
    learning_rate: float | None = option(
        None, "initial learning rate; default: a quarter of the dense training's", above=0
    )
    round_to: int = option(1, "keep a multiple of this many channels when thinning", at_least=1)
    after: str | None = option(None, "method whose result is compressed; default: dense network")
    teacher: str | None = option(
        None, "with kd: model of the matrix whose dense network teaches; default: its own"
    )
    models: tuple[str, ...] = option(
        (), "which models of the matrix it is for; default: all that it can come after"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelRecipe:
    """A network, its clips, how it is optimised, and the weights that it starts from."""

    network: ModelOptions
    clip: ClipOptions
    training: TrainingOptions
    finetune: FinetuneOptions


@dataclasses.dataclass(frozen=True, order=True)
class Cell:
    """One measurement: a model, a method ("dense": none), a repeat.

    Repeats are "s1" for seed 1, "split1" for the first official split, "f1" for the first fold.
    """

    repeat: str
    model: str
    method: str

    @property
    def key(self) -> str:
        """Its name in files and on the command line, such as "resnet18.filters.s1"."""
        return f"{self.model}.{self.method}.{self.repeat}"

    def is_named(self, name: str) -> bool:
        """Return whether it is meant by a name: its key, its model, its method or its repeat."""
        return name in (self.key, self.model, self.method, self.repeat)

    @property
    def number(self) -> int:
        """The seed, or the number of the split or fold from 1."""
        return int(self.repeat.lstrip(string.ascii_lowercase))


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyMatrix:
    """A study, read and checked.

    Attributes:
        name: of the study and of its files.
        source: the file.
        data: what is prepared.
        repeats: "s1", "s2" ... for seeds, "split1" ... for official splits, "f1" ... for folds.
        splits: numbers of the official splits; none where seeds or folds are repeated.
        folds: number of folds; 0 where seeds or splits are repeated.
        speed: what latency is measured on.
        models: name -> recipe.
        methods: name -> how, in an order in which each comes after the one it builds on.
        reference: method whose networks the others are compared with, beside the dense ones.
        perturbed: how test videos are changed -> the cells that are scored on them, too, by their
            keys or parts of these.
    """

    name: str
    source: Path
    data: PrepareOptions
    repeats: tuple[str, ...]
    splits: tuple[int, ...] = ()
    folds: int = 0
    speed: SpeedOptions
    models: Mapping[str, ModelRecipe]
    methods: Mapping[str, MethodOptions]
    reference: str | None = None
    perturbed: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    @property
    def pooled(self) -> bool:
        """Whether repeats hold different test videos: those of splits and of folds."""
        return bool(self.splits or self.folds)

    def is_for(self, method: str, model: str) -> bool:
        """Return whether a method, and each that it builds on, is for a model."""
        options = self.methods[method]
        named = not options.models or model in options.models
        return named and (options.after is None or self.is_for(options.after, model))

    def cells(self) -> Iterator[Cell]:
        """Yield every cell; whole repeats first, and none before one that it builds on."""
        for repeat in self.repeats:
            for model in self.models:
                yield Cell(repeat, model, DENSE)
            for model in self.models:
                for method in self.methods:
                    if self.is_for(method, model):
                        yield Cell(repeat, model, method)

    def parent(self, cell: Cell) -> Cell:
        """Return the cell whose network a compressed cell starts from."""
        return dataclasses.replace(cell, method=self.methods[cell.method].after or DENSE)

    def conditions(self, cell: Cell) -> tuple[str, ...]:
        """Return how the test videos are changed that a cell is scored on besides."""
        return tuple(
            name
            for name, chosen in self.perturbed.items()
            if any(cell.is_named(each) for each in chosen)
        )

    def choose(self, only: tuple[str, ...]) -> list[Cell]:
        """Return the cells whose key, or a dotted part of it, is named; all of them for none.

        Raises:
            ConfigError: a name is no cell's.
        """
        cells = list(self.cells())
        for name in only:
            if not any(cell.is_named(name) for cell in cells):
                known = [*(cell.key for cell in cells), *self.models, DENSE, *self.methods]
                msg = f"only: {self.source} has no cell {name!r}: {nearest(name, known)}"
                raise ConfigError(msg)
        return [cell for cell in cells if not only or any(cell.is_named(name) for name in only)]
