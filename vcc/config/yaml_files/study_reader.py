"""A study's matrix, read from a YAML file.

    name: tier1
    data: {dataset: study, motion_classes: 10}   # options of prepare
    seeds: [1, 2, 3]                             # or `splits: [1, 2, 3]`, or `folds: 5`
    speed: {sample_size: 112, sample_duration: 16}
    models:
      resnet18:
        network: {model: resnet, model_depth: 18}
        clip: {sample_size: 48}
        training: {n_epochs: 16}
    methods:
      filters: {compression_type: [ep]}
      filters_qat: {compression_type: [qat], after: filters, n_epochs: 4}
      longer: {schedule: schedules/train_on.yaml}
    reference: longer                            # compared with, beside the dense networks
    perturbed: {half_rate: [dense, filters_qat]} # test videos that are changed, and whose cells

Every model is trained dense and compressed by every method, or by those that name it under
`models`, once per repeat: a seed, an official split (trained by the seed of its number) or a fold
of a group cross-validation. What may stand in `data`, `network`, `clip`, `training` and `finetune`
are the options of the entry points, with their defaults.
"""

from __future__ import annotations

import contextlib
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcc.config.data import PERTURBATIONS, ClipOptions, PrepareOptions
from vcc.config.model import ModelOptions
from vcc.config.options import LARGEST_SEED, OptionsT, field_types, without_none
from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.config.yaml_files.strict import read_yaml
from vcc.config.yaml_files.study_matrix import (
    DENSE,
    MethodOptions,
    ModelRecipe,
    SpeedOptions,
    StudyMatrix,
)
from vcc.errors import ConfigError, nearest, one_line, printable

# More than any data has groups; each is a cell, and cells are listed before data are looked at.
_MOST_FOLDS = 1000
# UCF101 and its like have three.
_MOST_SPLITS = 3
_REPEATS = ("seeds", "splits", "folds")
_SECTIONS = ("name", "data", *_REPEATS, "speed", "models", "methods", "reference", "perturbed")
_STUDY_NAME = re.compile(r"[\w-]{1,60}")
# A part of a file's name and of the option `only`; dots part it from the next.
_CELL_NAME = re.compile(r"[\w+=-]([\w +=-]{0,58}[\w+=-])?")
_RECIPE = ("network", "clip", "training", "finetune")


def read_matrix(path: Path) -> StudyMatrix:
    """Read a study's matrix.

    Raises:
        ConfigError: the file cannot be read, or says something that makes no study.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        msg = f"matrix: {path}: cannot be read: {one_line(error)}"
        raise ConfigError(msg) from None
    return _Reader(
        path, read_yaml(text, where=f"matrix: {path}", problem="cannot be read")
    ).matrix()


class _Reader:
    def __init__(self, path: Path, content: Any) -> None:
        self._path = path
        self._content = self._mapping(content, "")
        for key in self._content:
            if key not in _SECTIONS:
                msg = f"{path}: unknown section {key!r}: {nearest(str(key), _SECTIONS)}"
                raise ConfigError(msg)

    def matrix(self) -> StudyMatrix:
        repeats, splits, folds = self._repeats()
        models = {
            str(name): self._model(recipe, f"models.{printable(str(name))}")
            for name, recipe in self._section("models").items()
        }
        methods = self._methods(models)
        for name in (*models, *methods):
            if not _CELL_NAME.fullmatch(name):
                self._refuse(
                    f"{name!r:.80}: names of models and methods are letters, digits, spaces and "
                    "+-_=, 60 at most: files and commands are named by them"
                )
        matrix = StudyMatrix(
            name=self._name(),
            source=self._path,
            data=self._data(with_splits=bool(splits)),
            repeats=repeats,
            splits=splits,
            folds=folds,
            speed=self._options(SpeedOptions, self._section("speed"), "speed"),
            models=models,
            methods=methods,
            reference=self._reference(methods),
            perturbed=self._perturbed(),
        )
        self._check_perturbed(matrix)
        return matrix

    def _perturbed(self) -> dict[str, tuple[str, ...]]:
        found = {}
        for name, chosen in self._section("perturbed").items():
            if name not in PERTURBATIONS:
                self._refuse(f"perturbed: unknown {name!r}: {nearest(str(name), PERTURBATIONS)}")
            if not isinstance(chosen, list) or not all(isinstance(each, str) for each in chosen):
                self._refuse(f"perturbed.{name}: {chosen!r} is no list of cells, such as [dense]")
            found[str(name)] = tuple(chosen)
        return found

    def _check_perturbed(self, matrix: StudyMatrix) -> None:
        cells = list(matrix.cells())
        for name, chosen in matrix.perturbed.items():
            for each in chosen:
                if not any(cell.is_named(each) for cell in cells):
                    known = [*matrix.models, DENSE, *matrix.methods, *(cell.key for cell in cells)]
                    self._refuse(f"perturbed.{name}: no cell is {each!r}: {nearest(each, known)}")

    def _reference(self, methods: Mapping[str, MethodOptions]) -> str | None:
        name = self._content.get("reference")
        if name is None:
            return None
        if not isinstance(name, str) or name not in methods:
            self._refuse(f"reference: {name!r} is no method: {nearest(str(name), methods)}")
        return name

    def _name(self) -> str:
        name = self._content.get("name", self._path.stem)
        if not isinstance(name, str) or not _STUDY_NAME.fullmatch(name):
            self._refuse(f"name: {name!r:.80} is not a word of letters, digits, - and _, 60 long")
        return str(name)

    def _data(self, *, with_splits: bool) -> PrepareOptions:
        given = self._section("data")
        if with_splits and "split" in given:
            self._refuse("data: split: splits names them already: leave it out")
        return self._options(PrepareOptions, given, "data")

    def _repeats(self) -> tuple[tuple[str, ...], tuple[int, ...], int]:
        """Return the repeats' names, the splits' numbers, and the number of folds."""
        given = [name for name in _REPEATS if self._content.get(name) is not None]
        if len(given) != 1:
            self._refuse("say either seeds: [1, 2, 3], splits: [1, 2, 3] or folds: 5")
        if given == ["folds"]:
            folds = self._content["folds"]
            if type(folds) is not int or not 2 <= folds <= _MOST_FOLDS:
                self._refuse(f"folds: {folds!r} is not a whole number from 2 to {_MOST_FOLDS}")
            return tuple(f"f{number + 1}" for number in range(folds)), (), folds
        numbers = self._numbers(given[0])
        if given == ["seeds"]:
            return tuple(f"s{seed}" for seed in numbers), (), 0
        if not all(1 <= split <= _MOST_SPLITS for split in numbers):
            self._refuse(f"splits: {list(numbers)} are not all from 1 to {_MOST_SPLITS}")
        return tuple(f"split{split}" for split in numbers), numbers, 0

    def _numbers(self, name: str) -> tuple[int, ...]:
        given = self._content[name]
        whole = isinstance(given, list) and all(
            type(each) is int and 0 <= each <= LARGEST_SEED for each in given
        )
        if not given or not whole or len(set(given)) < len(given):
            self._refuse(f"{name}: {given!r:.80} is not a list of different whole numbers")
        return tuple(given)

    def _model(self, recipe: Any, where: str) -> ModelRecipe:
        sections = self._mapping(recipe, where)
        for key in sections:
            if key not in _RECIPE:
                close = nearest(str(key), _RECIPE)
                self._refuse(f"{where}: unknown key {key!r}: {close}")
        parts = {key: self._mapping(sections.get(key), f"{where}.{key}") for key in _RECIPE}
        return ModelRecipe(
            network=self._options(ModelOptions, parts["network"], f"{where}.network"),
            clip=self._options(ClipOptions, parts["clip"], f"{where}.clip"),
            training=self._options(TrainingOptions, parts["training"], f"{where}.training"),
            finetune=self._options(FinetuneOptions, parts["finetune"], f"{where}.finetune"),
        )

    def _methods(self, models: Mapping[str, ModelRecipe]) -> dict[str, MethodOptions]:
        methods: dict[str, MethodOptions] = {}
        for name, given in self._section("methods").items():
            where = f"methods.{printable(str(name))}"
            made = self._options(MethodOptions, self._mapping(given, where), where)
            if name == DENSE:
                self._refuse(f"{where}: every model is trained dense anyway: choose another name")
            if made.after is not None and made.after not in methods:
                self._refuse(f"{where}: after: {made.after!r} is no method above it")
            if made.teacher is not None and made.teacher not in models:
                close = nearest(made.teacher, models)
                self._refuse(f"{where}: teacher: {made.teacher!r} is no model: {close}")
            for model in made.models:
                if model not in models:
                    close = nearest(model, models)
                    self._refuse(f"{where}: models: {model!r} is no model: {close}")
            methods[str(name)] = made
        return methods

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self._mapping(self._content.get(name), name)
        if name == "models" and not section:
            self._refuse("models: names no model")
        return section

    def _mapping(self, value: Any, where: str) -> Mapping[str, Any]:
        if value is None and where:
            return {}
        if not isinstance(value, dict):
            self._refuse(f"{where or 'the file'}: holds no keys")
        return typing.cast(Mapping[str, Any], value)

    def _options(self, cls: type[OptionsT], given: Mapping[str, Any], where: str) -> OptionsT:
        hints = field_types(cls)
        values = {key: _typed(value, hints.get(key)) for key, value in given.items()}
        try:
            return cls.from_mapping(values, where=f"{self._path}: {where}")
        except ConfigError as error:
            text = str(error)
            if not text.startswith(str(self._path)):
                text = f"{self._path}: {where}: {text}"
            raise ConfigError(text) from None

    def _refuse(self, problem: str) -> typing.NoReturn:
        msg = f"{self._path}: {problem}"
        raise ConfigError(msg)


def _typed(value: Any, hint: Any) -> Any:
    """Return a YAML value as the options class holds it: lists as tuples, names as paths."""
    kind = without_none(hint)
    if isinstance(value, list):
        return tuple(value)
    if kind is Path and isinstance(value, str):
        # ~somebody, who is not known here, is left as it stands: no such file.
        with contextlib.suppress(RuntimeError):
            return Path(value).expanduser()
        return Path(value)
    return value
