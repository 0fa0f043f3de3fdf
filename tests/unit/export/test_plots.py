"""Pictures of measured latency."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from vcc.export import plots
from vcc.export.benchmark import Latency
from vcc.export.plots import plot_latency, plot_pareto
from vcc.export.runtime_table import Row


def row(network: str, ms: float | None, *, runtime: str = "cpu", precision: str = "f32") -> Row:
    latency = None
    if ms is not None:
        latency = Latency(
            runtime=runtime,
            precision=precision,
            batch=1,
            runs=5,
            p50_ms=ms,
            p90_ms=ms,
            p95_ms=2 * ms,
            p99_ms=2 * ms,
            rounds_ms=(ms,),
        )
    return Row(network=network, runtime=runtime, precision=precision, batch=1, latency=latency)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Figures that would have been written."""
    figures: list[Figure] = []
    monkeypatch.setattr(plots, "save_picture", lambda figure, path, dpi: figures.append(figure))
    return figures


def test_bars_are_of_what_ran(drawn: list[Figure]) -> None:
    rows = [row("dense", 4.0), row("dense", None, runtime="cuda"), row("small", 2.0)]
    assert plot_latency(rows, Path("a.png")) == Path("a.png")
    (axes,) = drawn[0].axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "dense: cpu f32",
        "small: cpu f32",
    ]
    assert [bar.get_width() for bar in axes.patches] == [4.0, 2.0]
    assert "run of one clip" in axes.get_xlabel()


def test_half_precision_has_no_accuracy_of_its_own(drawn: list[Figure]) -> None:
    rows = [
        row("dense", 4.0),
        row("dense", 3.0, precision="bf16"),
        row("small", 2.0, precision="int8"),
        row("unknown", 1.0),
    ]
    plot_pareto(rows, {"dense": 0.9, "small": 0.8}, Path("a.png"))
    (axes,) = drawn[0].axes
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["dense, cpu f32", "small, cpu int8"]
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[2.0, 80.0], [4.0, 90.0]]  # type: ignore[union-attr]


def test_nothing_measured_is_an_empty_picture(drawn: list[Figure]) -> None:
    plot_latency([row("dense", None)], Path("a.png"))
    plot_pareto([], {}, Path("b.png"))
    assert len(drawn) == 2
