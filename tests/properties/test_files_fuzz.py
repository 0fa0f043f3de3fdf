"""Files from others, damaged: val.json and checkpoint folders give a result or one clear error."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from data_videos import tree_bytes
from fuzzing import changed, damaged, few_or_many, fuzz, refused
from hypothesis import strategies as st
from models_tiny import tiny_network

from vcc.errors import DataError, ModelError
from vcc.evaluation.val_json import read_val_json, topk_accuracy
from vcc.models.checkpoint import load_checkpoint, save_checkpoint
from vcc.models.network import VideoNetwork
from vcc.models.weights import load_weights


@st.composite
def predictions(draw: st.DrawFn) -> bytes:
    """A val.json file: whole, with something replaced, or with bytes changed."""
    rows = [{"label": "a", "score": 0.7}, {"label": "b", "score": 0.3}]
    tree: Any = {"results": {"v1": list(rows), "v2": [dict(row) for row in rows]}}
    for _ in range(draw(st.integers(0, 3))):
        tree = changed(draw, tree)
    return damaged(draw, json.dumps(tree).encode())


def scored_or_refused(folder: Path, content: bytes) -> None:
    path = folder / "val.json"
    path.write_bytes(content)

    def score() -> None:
        share = topk_accuracy(read_val_json(path), {"v1": "a", "v2": "b"}, k=1)
        assert 0 <= share <= 1

    refused(score, DataError)
    assert tree_bytes(folder) == {"val.json": content}


@few_or_many(200)
def test_any_val_json(tmp_path: Path, examples: int) -> None:
    contents = predictions() | st.binary(max_size=60)
    fuzz(contents, lambda content: scored_or_refused(tmp_path, content), examples)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"results": {"v1": [{"label": "a", "score": 1' + b"0" * 400 + b"}]}}",
        b'{"results": {"v1": [{"label": "a", "score": 1' + b"0" * 5000 + b"}]}}",
        b'{"results": {"v1": {"label": "a"}}}',
        b"\xff\xfe",
    ],
)
def test_val_json_that_once_failed_elsewhere(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "val.json"
    path.write_bytes(content)
    assert refused(lambda: read_val_json(path), DataError)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny_network("resnet10a")
    return save_checkpoint(tmp_path_factory.mktemp("saved") / "checkpoint", model, {"labels": []})


@functools.cache
def _network() -> VideoNetwork:
    # Loaded over and over: building one for every example takes most of the time.
    return tiny_network("resnet10a")


def loaded_or_refused(checkpoint: Path, folder: Path, data: st.DataObject) -> None:
    copy = folder / "inside" / "checkpoint"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(checkpoint, copy)
    name = data.draw(st.sampled_from(sorted(path.name for path in copy.iterdir())))
    content = (copy / name).read_bytes()
    if name.endswith(".json") and data.draw(st.integers(0, 3)):
        tree = json.loads(content)
        for _ in range(data.draw(st.integers(1, 3))):
            tree = changed(data.draw, tree)
        content = json.dumps(tree).encode()
    else:
        # The weights' header comes first.
        head = data.draw(st.sampled_from((20, 4000, len(content))))
        content = damaged(data.draw, content[:head]) + content[head:]
    (copy / name).write_bytes(content)
    before = tree_bytes(folder)
    refused(lambda: load_checkpoint(copy), ModelError)
    refused(lambda: load_weights(_network(), copy), ModelError)
    assert tree_bytes(folder) == before


@few_or_many(60)
def test_any_checkpoint(checkpoint: Path, tmp_path: Path, examples: int) -> None:
    fuzz(st.data(), lambda data: loaded_or_refused(checkpoint, tmp_path, data), examples)
