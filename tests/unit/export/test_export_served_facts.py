"""Metadata that lies about its graph is refused before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from vcc.config.data import ClipOptions
from vcc.errors import ExportError
from vcc.export.served_facts import served_facts


def write(path: Path, **changed: Any) -> Path:
    clip = ClipOptions(sample_size=16, sample_duration=4).as_dict()
    said = {"labels": ["a", "b"], "clip": clip, "stored_frames": {"short_side": 20}}
    said |= changed
    graph = helper.make_graph(
        [helper.make_node("Identity", ["pixels"], ["logits"])],
        "g",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 3, 4, 16, 16])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2])],
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, {key: json.dumps(value) for key, value in said.items()})
    onnx.save(model, str(path))
    return path


def clip(**changed: Any) -> dict[str, Any]:
    return ClipOptions(sample_size=16, sample_duration=4).as_dict() | changed


def test_a_true_file(tmp_path: Path) -> None:
    facts = served_facts(write(tmp_path / "a.onnx"))
    assert (facts.labels, facts.short_side) == (("a", "b"), 20)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"labels": ["a", "b", "c"]}, "names 3 classes, its graph gives 2"),
        ({"labels": ["a"]}, "names 1 classes"),
        ({"labels": "ab"}, "not a list of names"),
        ({"labels": ["a", "a"]}, "'a' twice"),
        ({"labels": ["a", 1]}, "not a list of names"),
        ({"stored_frames": {"short_side": 0}}, "short_side is 0"),
        ({"stored_frames": {"short_side": True}}, "short_side is True"),
        ({"stored_frames": {"short_side": 10**9}}, "short_side is 1000000000"),
        ({"stored_frames": {}}, "has no 'short_side'"),
        ({"stored_frames": None}, "subscriptable"),
        ({"clip": clip(sample_duration=10**9)}, "its graph takes 3x4x16x16"),
        ({"clip": clip(sample_size=10**9)}, "its graph takes 3x4x16x16"),
        ({"clip": clip(downsample=10**9)}, "too long a stride"),
        ({"clip": clip(sample_size=None)}, "null is not a whole number"),
        ({"clip": [1]}, "unknown key|attribute"),
    ],
)
def test_a_lie(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ExportError, match=why) as caught:
        served_facts(write(tmp_path / "a.onnx", **changed))
    assert str(tmp_path) not in str(caught.value)
