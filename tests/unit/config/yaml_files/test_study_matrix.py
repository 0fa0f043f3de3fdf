"""A study's matrix: what it means, and one line for what makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.config.yaml_files.study_matrix import SHIPPED, read_matrix
from vcc.errors import ConfigError

MATRIX = """
name: mine
data: {dataset: d, motion_classes: 3}
seeds: [4, 7]
models:
  a:
    network: {model: resnet, model_depth: 18}
    training: {n_epochs: 3, lr_steps: [2]}
  b: {network: {model: mobilenetv2}, finetune: {pretrain_path: start, n_finetune_classes: 3}}
methods:
  pruned: {compression_type: [ep], schedule: "schedules/{family}_x.yaml"}
  both: {compression_type: [qat, kd], after: pruned, teacher: a}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "matrix.yaml"
    path.write_text(text)
    return path


def test_it_is_read(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX))
    assert (matrix.name, matrix.repeats, matrix.folds) == ("mine", ("s4", "s7"), 0)
    assert matrix.data.motion_classes == 3
    assert matrix.models["a"].training.lr_steps == (2,)
    assert matrix.methods["both"].teacher == "a"
    assert matrix.speed.sample_size == 112
    assert matrix.models["a"].finetune.pretrain_path is None
    assert matrix.models["b"].finetune.pretrain_path == Path("start")


def test_cells_come_after_those_they_build_on(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX))
    cells = list(matrix.cells())
    assert len(cells) == len(set(cells)) == 2 * 2 * 3
    for cell in cells:
        if cell.method != "dense":
            assert cells.index(matrix.parent(cell)) < cells.index(cell)
    # a whole seed first: a study that is cut short has complete repeats
    assert [cell.repeat for cell in cells] == ["s4"] * 6 + ["s7"] * 6
    # a teacher may be any model, so that all dense networks come before what is compressed
    assert [cell.method for cell in cells[:2]] == ["dense", "dense"]


def test_cells_are_chosen_by_key_or_part(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX))
    assert [cell.key for cell in matrix.choose(("a.both.s7",))] == ["a.both.s7"]
    assert {cell.model for cell in matrix.choose(("b",))} == {"b"}
    assert len(matrix.choose(())) == 12
    with pytest.raises(ConfigError, match=r"no cell 'a.bth.s7': did you mean a.both.s7"):
        matrix.choose(("a.bth.s7",))


def test_folds_in_place_of_seeds(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX.replace("seeds: [4, 7]", "folds: 3")))
    assert (matrix.repeats, matrix.folds) == (("f1", "f2", "f3"), 3)


def test_official_splits_in_place_of_seeds(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX.replace("seeds: [4, 7]", "splits: [3, 1]")))
    assert (matrix.repeats, matrix.splits, matrix.folds) == (("split3", "split1"), (3, 1), 0)
    assert [cell.number for cell in matrix.choose(("a.dense.split3", "split1"))][:2] == [3, 1]
    assert matrix.pooled
    assert not read_matrix(written(tmp_path, MATRIX)).pooled


def test_a_method_and_what_comes_after_it_may_be_for_some_models(tmp_path: Path) -> None:
    limited = MATRIX.replace("{compression_type: [ep],", "{models: [b], compression_type: [ep],")
    matrix = read_matrix(written(tmp_path, limited))
    assert [cell.key for cell in matrix.cells() if cell.repeat == "s4"] == [
        "a.dense.s4", "b.dense.s4", "b.pruned.s4", "b.both.s4",
    ]  # fmt: skip


def test_cells_are_scored_on_changed_videos_where_that_is_said(tmp_path: Path) -> None:
    changed = "perturbed: {one_frame: [dense], half_rate: [b.pruned.s4, dense]}\n"
    matrix = read_matrix(written(tmp_path, MATRIX + changed))
    asked = {cell.key: matrix.conditions(cell) for cell in matrix.choose(("s4",))}
    assert asked["a.dense.s4"] == asked["b.dense.s4"] == ("one_frame", "half_rate")
    assert asked["b.pruned.s4"] == ("half_rate",)
    assert asked["a.pruned.s4"] == ()


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
