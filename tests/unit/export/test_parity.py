"""Whether a file says what its network says, as strictly as its precision allows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from export_toys import CLIP_SHAPE, ToyClassifier

from vcc.errors import ExportError
from vcc.export.integer_layers import IntegerLayers
from vcc.export.parity import check_parity
from vcc.export.runtimes.session import Session


@pytest.fixture(scope="module")
def toy() -> ToyClassifier:
    torch.manual_seed(0)
    return ToyClassifier().eval()


def batches(count: int) -> list[Any]:
    return [
        SimpleNamespace(clips=torch.randint(0, 256, (2, *CLIP_SHAPE), dtype=torch.uint8))
        for _ in range(count)
    ]


class Liar(Session):
    """Says something else than its network."""

    runtime = "made up"

    def __init__(self, logits: np.ndarray[Any, Any]) -> None:
        self.logits = logits.astype(np.float32)

    def run(self, pixels: Any) -> Any:
        return self.logits[: len(pixels)]


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (np.full((2, 5), 7.0), "differ by"),
        (np.full((2, 5), np.nan), "differ by nan"),
        (np.zeros((2, 4)), r"the file returns \(2, 4\), not \(2, 5\)"),
    ],
)
def test_a_file_that_says_something_else_fails(
    toy: ToyClassifier, logits: np.ndarray[Any, Any], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        check_parity(toy, Liar(logits), batches(1))


def test_parity_on_no_clip_fails(toy: ToyClassifier) -> None:
    with pytest.raises(ExportError, match="no clips"):
        check_parity(toy, Liar(np.zeros((1, 5))), [])


def said(logits: list[list[float]], found: list[list[float]], precision: str) -> Any:
    """Compare a network that gives some logits with a file that gives others."""
    session = Liar(np.array(found))
    session.precision = precision
    batch = SimpleNamespace(clips=torch.zeros(len(logits), 1, dtype=torch.uint8))
    return check_parity(lambda _: torch.tensor(logits), session, [batch])


@pytest.mark.parametrize(
    ("precision", "difference", "holds"),
    [
        ("f32", 0.0009, True),
        ("f32", 0.0011, False),
        ("f16", 0.29, True),
        ("f16", 0.31, False),
        ("bf16", 1.49, True),
        ("bf16", 1.51, False),
    ],
)
def test_floats_may_differ_by_a_share_of_the_largest_logit(
    precision: str, difference: float, holds: bool
) -> None:
    logits, found = [[0.0, 10.0]], [[difference, 10.0]]
    if holds:
        assert said(logits, found, precision).max_difference == pytest.approx(difference)
    else:
        with pytest.raises(ExportError, match=rf"\({precision} on made up\) differ by"):
            said(logits, found, precision)


RIGHT = [[0.0, 10.0]] * 9


@pytest.mark.parametrize(
    ("clip", "found", "held"),
    [
        # Another class, which the network itself rates nearly alike.
        ([9.8, 10.0], [10.0, 9.8], 1.0),
        # Another class outright: one clip of ten.
        ([0.0, 10.0], [10.0, 0.0], 0.9),
        # The same class, but far off.
        ([0.0, 10.0], [0.0, 30.0], 0.9),
    ],
)
def test_integers_are_held_to_classes_and_ties(
    clip: list[float], found: list[float], held: float
) -> None:
    parity = said([*RIGHT, clip], [*RIGHT, found], "int8")
    assert parity.held == pytest.approx(held)


def test_two_clips_of_ten_are_too_many() -> None:
    wrong = [[10.0, 0.0]] * 2
    with pytest.raises(ExportError, match="top-1 agrees on 80.0% of 10 clips: nothing was"):
        said([*RIGHT, [0.0, 10.0]], [*RIGHT[:8], *wrong], "int8")


def test_a_file_that_gives_every_clip_one_class_is_refused() -> None:
    logits = [*[[0.0, 10.0]] * 19, [10.0, 0.0]]
    with pytest.raises(ExportError, match="gives all of them one class"):
        said(logits, [[0.0, 10.0]] * 20, "int8")


def test_figures_have_their_logged_names() -> None:
    parity = said([[0.0, 1.0]], [[0.0, 1.0]], "f32")
    assert parity.metrics() == {
        "parity_max_difference": 0.0,
        "parity_mean_difference": 0.0,
        "parity_top1_agreement": 1.0,
    }


@pytest.mark.parametrize("wrong", [False, True])
def test_integers_of_each_layer_are_compared_where_they_show(
    monkeypatch: pytest.MonkeyPatch, wrong: bool
) -> None:
    layer = SimpleNamespace(name="conv1", share=0.25, levels=7.0)
    found: Any = SimpleNamespace(levels=1.0, wrong=[layer, layer] if wrong else [])
    assert {"levels", "wrong"} <= set(dir(IntegerLayers)) | set(IntegerLayers.__annotations__)
    monkeypatch.setattr("vcc.export.parity.compare_layers", lambda *_: found)
    monkeypatch.setattr("vcc.export.parity.overflow_hint", lambda _: "no VNNI")
    session = Liar(np.array([[0.0, 1.0]]))
    session.precision, session.path = "int8", Path("x.onnx")
    batch = SimpleNamespace(clips=torch.zeros(1, 1, dtype=torch.uint8))

    def check() -> Any:
        return check_parity(lambda _: torch.tensor([[0.0, 1.0]]), session, [batch])

    if wrong:
        with pytest.raises(ExportError, match="conv1 wrongly: 25.00% .* 7 levels; so are 1"):
            check()
    else:
        assert check().metrics()["parity_levels"] == 1.0
