"""A study's file is read, and what makes none is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from matrix_file import MATRIX, written

from vcc.config.yaml_files.study_matrix import SHIPPED
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.errors import ConfigError


def test_it_is_read(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX))
    assert (matrix.name, matrix.repeats, matrix.folds) == ("mine", ("s4", "s7"), 0)
    assert matrix.data.motion_classes == 3
    assert matrix.models["a"].training.lr_steps == (2,)
    assert matrix.methods["both"].teacher == "a"
    assert matrix.speed.sample_size == 112
    assert matrix.models["a"].finetune.pretrain_path is None
    assert matrix.models["b"].finetune.pretrain_path == Path("start")


def test_folds_in_place_of_seeds(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX.replace("seeds: [4, 7]", "folds: 3")))
    assert (matrix.repeats, matrix.folds) == (("f1", "f2", "f3"), 3)


def test_official_splits_in_place_of_seeds(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX.replace("seeds: [4, 7]", "splits: [3, 1]")))
    assert (matrix.repeats, matrix.splits, matrix.folds) == (("split3", "split1"), (3, 1), 0)
    assert [cell.number for cell in matrix.choose(("a.dense.split3", "split1"))][:2] == [3, 1]
    assert matrix.pooled
    assert not read_matrix(written(tmp_path, MATRIX)).pooled


@pytest.mark.parametrize("path", sorted(SHIPPED.parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_matrices_are_read(path: Path) -> None:
    matrix = read_matrix(path)
    assert matrix.name == path.stem
    assert list(matrix.cells())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("seeds: [4, 7]", "", "say either seeds"),
        ("seeds: [4, 7]", "seeds: [4, 4]", "not a list of different whole numbers"),
        (
            "seeds: [4, 7]",
            "seeds: [4]\nreference: prned",
            "'prned' is no method: did you mean pruned",
        ),
        ("seeds: [4, 7]", "seeds: [4]\nreference: [pruned]", "reference: ['pruned'] is no method"),
        ("seeds: [4, 7]", "seeds: [4]\nperturbed: {half: [dense]}", "perturbed: unknown 'half'"),
        ("seeds: [4, 7]", "seeds: [4]\nperturbed: {jpeg30: dense}", "'dense' is no list of cells"),
        (
            "seeds: [4, 7]",
            "seeds: [4]\nperturbed: {jpeg30: [c]}",
            "perturbed.jpeg30: no cell is 'c'",
        ),
        ("seeds: [4, 7]", "splits: [1, 4]", "splits: [1, 4] are not all from 1 to 3"),
        ("seeds: [4, 7]", "splits: 3", "splits: 3 is not a list of different whole numbers"),
        ("seeds: [4, 7]", "folds: 3\nsplits: [1]", "say either seeds"),
        ("motion_classes: 3}\nseeds: [4, 7]", "split: 2}\nsplits: [1]", "data: split: splits"),
        ("teacher: a", "models: [a, bb]", "models: 'bb' is no model: did you mean b"),
        ("seeds: [4, 7]", "seeds: [4294967296]", "not a list of different whole numbers"),
        ("seeds: [4, 7]", "folds: 1", "folds: 1 is not a whole number from 2 to 1000"),
        ("seeds: [4, 7]", "folds: 2147483648", "folds: 2147483648 is not a whole number"),
        ("name: mine", "name: 2026-13-45", "cannot be read: month must be in"),
        ("seeds:", "seds:", "unknown section 'seds': did you mean seeds"),
        ("motion_classes: 3", "motion_clases: 3", "data: unknown key 'motion_clases'"),
        ("motion_classes: 3", "motion_classes: many", "data: motion_classes: 'many' is not"),
        ("model_depth: 18", "model_depth: [18]", "models.a.network: model_depth"),
        ("    training:", "    trainings:", "models.a: unknown key 'trainings'"),
        ("after: pruned", "after: pruned2", "after: 'pruned2' is no method above it"),
        ("teacher: a", "teacher: c", "teacher: 'c' is no model"),
        ("  pruned:", "  dense:", "choose another name"),
        ("  both:", "  a.b:", "names of models and methods are letters, digits"),
        ("  both:", "  a/b:", "names of models and methods are letters, digits"),
        ("  both:", "  'a,b':", "names of models and methods are letters, digits"),
        ("  both:", '  "a\\nb":', "names of models and methods are letters, digits"),
        ("  both:", f"  {'a' * 61}:", "names of models and methods are letters, digits"),
        ("name: mine", "name: ../mine", "is not a word"),
        ("name: mine", f"name: {'a' * 61}", "is not a word"),
        ("  a:\n", "  c: 3\n  a:\n", "models.c: holds no keys"),
        ("name: mine", "name: [", "cannot be read"),
    ],
)
def test_what_makes_no_study_is_one_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in MATRIX
    path = written(tmp_path, MATRIX.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_matrix(path)
    assert problem in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing.yaml: cannot be read"):
        read_matrix(tmp_path / "nothing.yaml")
