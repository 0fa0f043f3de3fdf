"""A graph that says how it is fed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.data import ClipOptions
from vcc.errors import ExportError
from vcc.pipeline.promote import running_graph as module
from vcc.pipeline.promote.running_graph import running_graph

WHOLE = {
    "clip": ClipOptions(sample_size=16, sample_duration=4).as_dict(),
    "dataset": "x",
    "split": "split1",
    "data_digest": "d",
    "labels": ["a", "b"],
}
VERSION: Any = SimpleNamespace(uri="models:/x/1")
GRAPH: Any = SimpleNamespace(uri="models:/x-onnx/1")


def graph(monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any]) -> Any:
    monkeypatch.setattr(module, "read_metadata", lambda _: metadata)
    monkeypatch.setattr(
        module, "graph_version", lambda version: GRAPH if version is VERSION else None
    )
    session: Any = SimpleNamespace()
    return running_graph(VERSION, Path("x.onnx"), session)


def test_it_knows_its_clips_and_its_graph_s_version(monkeypatch: pytest.MonkeyPatch) -> None:
    found = graph(monkeypatch, WHOLE)
    assert found.version is GRAPH
    assert found.protocol.clip_shape == (3, 4, 16, 16)
    assert found.metadata["dataset"] == "x"


@pytest.mark.parametrize(
    ("missing", "words"), [(["clip"], "clip"), (["split", "labels"], "labels, split")]
)
def test_what_it_does_not_say_is_named(
    monkeypatch: pytest.MonkeyPatch, missing: list[str], words: str
) -> None:
    metadata = {name: value for name, value in WHOLE.items() if name not in missing}
    with pytest.raises(ExportError, match=f"models:/x/1: its graph does not say its {words}: exp"):
        graph(monkeypatch, metadata)
