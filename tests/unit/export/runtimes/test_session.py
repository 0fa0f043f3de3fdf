"""What every runtime offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vcc.export.runtimes.session import Coverage, Node, Session


class Plain(Session):
    """The least that a runtime has."""

    runtime = "plain CPU"

    def run(self, pixels: Any) -> Any:
        return np.zeros((len(pixels), 2), np.float32)


def test_a_session_need_not_show_its_graph() -> None:
    session = Plain()
    assert (session.path, session.precision) == (None, "f32")
    assert session.coverage() == Coverage(runtime="plain CPU", nodes=None)
    assert session.coverage().as_text() == "plain CPU: does not show which layers run in int8"
    assert session.coverage().fell_back == ()
    assert session.outputs_of(Path("x.onnx")) is None


def test_layers_in_float_are_counted_and_named() -> None:
    coverage = Coverage(
        runtime="cpu",
        nodes=(Node(name="a", kernel="jit", int8=True), Node(name="b", kernel="ref", int8=False)),
    )
    assert [node.name for node in coverage.fell_back] == ["b"]
    assert coverage.as_text() == "cpu: 1 of 2 layers run in int8\n  float: b (ref)"


def test_a_network_without_layers_has_none_in_int8() -> None:
    assert Coverage(runtime="cpu", nodes=()).as_text() == "cpu: 0 of 0 layers run in int8"
