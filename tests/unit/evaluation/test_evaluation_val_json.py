"""The thesis's val.json: written, read back, and scored without a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from vcc.errors import DataError
from vcc.evaluation.val_json import read_val_json, results_of, topk_accuracy, write_val_json


def test_ten_best_labels_are_kept_best_first(tmp_path: Path) -> None:
    scores = torch.arange(24.0).reshape(2, 12)
    labels = [f"c{i}" for i in range(12)]
    results = results_of(scores, videos=["v_A", "v_B"], labels=labels)
    assert [row["label"] for row in results["v_A"]] == [f"c{i}" for i in range(11, 1, -1)]
    assert results["v_B"][0] == {"label": "c11", "score": 23.0}
    write_val_json(tmp_path / "val.json", results)
    assert json.loads((tmp_path / "val.json").read_text()) == {"results": results}
    assert read_val_json(tmp_path / "val.json")["v_B"][:2] == ["c11", "c10"]


def test_few_classes_give_few_rows() -> None:
    results = results_of(torch.tensor([[0.2, 0.8]]), videos=["v"], labels=["a", "b"])
    assert [row["label"] for row in results["v"]] == ["b", "a"]


def test_the_order_of_rows_in_a_file_does_not_matter(tmp_path: Path) -> None:
    rows = [{"label": "worse", "score": 0.1}, {"label": "better", "score": 0.9}]
    (tmp_path / "val.json").write_text(json.dumps({"results": {"v": rows}}))
    assert read_val_json(tmp_path / "val.json") == {"v": ["better", "worse"]}


def test_accuracy_counts_every_annotated_video() -> None:
    predictions = {"v1": ["a", "b"], "v2": ["b", "a"], "v3": ["c", "b"], "extra": ["a"]}
    truth = {"v1": "a", "v2": "a", "v3": "a"}
    assert topk_accuracy(predictions, truth, k=1) == pytest.approx(1 / 3)
    assert topk_accuracy(predictions, truth, k=2) == pytest.approx(2 / 3)


def test_a_video_without_prediction_is_an_error_that_names_it() -> None:
    with pytest.raises(DataError, match="1 of 2 annotated videos have no prediction.*'v2'"):
        topk_accuracy({"v1": ["a"]}, {"v1": "a", "v2": "a"}, k=1)


def test_an_empty_subset_is_an_error() -> None:
    with pytest.raises(DataError, match="holds no video"):
        topk_accuracy({}, {}, k=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("{", "not a readable JSON file"),
        ("[]", 'no "results" mapping'),
        ('{"results": {}}', 'no "results" mapping'),
        ('{"results": {"v": 3}}', "is not a list of"),
        ('{"results": {"v": [{"label": "a"}]}}', "is not a list of"),
        ("[" * 100_000, "not a readable JSON file"),
    ],
)
def test_a_malformed_file_is_one_clear_error(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "val.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_val_json(path)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ('[{"label": "a", "score": NaN}]', "NaN is not a score"),
        ('[{"label": "a", "score": -Infinity}]', "-Infinity is not a score"),
        ('[{"label": "a", "score": 1e999}]', "not a finite number"),
        ('[{"label": "a", "score": 1, "score": 2}]', "'score' stands there twice"),
        ('[{"label": "a", "score": 1}, {"label": "a", "score": 2}]', "names a label twice"),
        ('[], "v": []', "'v' stands there twice"),
    ],
)
def test_scores_that_are_none_and_repeated_keys(tmp_path: Path, rows: str, why: str) -> None:
    path = tmp_path / "val.json"
    path.write_text(f'{{"results": {{"v": {rows}}}}}')
    with pytest.raises(DataError, match=why):
        read_val_json(path)
    with pytest.raises(ValueError, match="JSON compliant"):
        write_val_json(path, {"v": [{"label": "a", "score": float("nan")}]})
