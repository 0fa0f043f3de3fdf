"""Cells on changed test videos: only what is lacking is scored, and dense files stand beside."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from study_cells import cell as result

from vcc.config.yaml_files.study_matrix import Cell
from vcc.data.store.perturbed import PERTURBATIONS, PerturbedDataset
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.study import conditions as module
from vcc.pipeline.study.conditions import add_conditions, conditions_of, has_conditions

CELL = Cell("s1", "net", "filters")


@pytest.fixture
def place(network: Network, dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(
        module, "networks_of", lambda *_: {"dense": "another", "compressed": network}
    )

    def open_exported(made: Network, path: Any) -> Any:
        assert made is network
        # Of two classes, always the second.
        return SimpleNamespace(run=lambda clips: torch.eye(2)[[1] * len(clips)].numpy())

    monkeypatch.setattr(module, "open_exported", open_exported)
    matrix = SimpleNamespace(conditions=lambda cell: ("one_frame", "half_rate"))
    return SimpleNamespace(matrix=matrix, dataset_of=lambda cell: dataset, n_threads=0)


def test_what_is_lacking_is_scored_and_the_rest_kept(
    place: Any, dataset: PreparedDataset, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Watched(PerturbedDataset):
        def __init__(self, data: PreparedDataset, how: Any) -> None:
            seen.append(how.text)
            super().__init__(data, how)

    monkeypatch.setattr(module, "PerturbedDataset", Watched)
    known = result(perturbed={"one_frame": "1111"})
    assert not has_conditions(known, CELL, place.matrix)
    made = add_conditions(known, CELL, place, run)
    assert has_conditions(made, CELL, place.matrix)
    assert seen == ["half the frame rate"]
    labels = [record.label for record in dataset.videos("test")]
    assert made.perturbed == {"one_frame": "1111", "half_rate": "".join(map(str, labels))}


def test_rows_stand_beside_the_dense_file_of_their_repeat() -> None:
    changed = {"half_rate": "1000"}
    results = [
        result(method="dense", dense_right="", right="1111", perturbed={"half_rate": "1100"}),
        result(perturbed=changed, groups="0 0 1 1"),
        result(repeat="s2"),
        result(model="other", perturbed=changed),
    ]
    dense, own, other = conditions_of(results)
    assert (dense.network, dense.dense) == ("net dense", None)
    assert own.text == PERTURBATIONS["half_rate"].text
    assert (own.own.plain, own.own.changed) == (["1100"], ["1000"])
    assert own.dense is not None
    assert (own.dense.plain, own.dense.changed) == (["1111"], ["1100"])
    assert own.groups == ["0 0 1 1"]
    # Its dense file was not scored on them.
    assert other.dense is None
