"""Names stand in figures as they were given, whatever characters they hold."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from vcc import figure_text
from vcc.figure_text import save_picture

HARD = [r"$\frac$", "a$b$c", "$", "100 $ and $\\", "跳ぶ", "달리다", "跑步", "x\ny", ""]


def drawn(name: str) -> Figure:
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot([1, 2], [10, 1000], label=f"line {name}")
    axes.set_title(name)
    axes.set_xlabel(name)
    axes.set_xticks([1, 2], [name, name])
    axes.annotate(name, (1, 10))
    axes.legend()
    figure.suptitle(name)
    return figure


@pytest.mark.parametrize("name", HARD)
def test_any_name_is_drawn_without_a_warning(tmp_path: Path, name: str) -> None:
    figure = drawn(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_picture(figure, tmp_path / "a.png", dpi=40)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    named = [text for text in figure.findobj(Text) if name and name in text.get_text()]
    assert len(named) >= 5 or not name
    assert not any(text.get_parse_math() for text in named)


def test_powers_of_ten_beside_a_logarithmic_axis_stay_mathematics(tmp_path: Path) -> None:
    figure = drawn("$a$")
    figure.axes[0].set_yscale("log")
    save_picture(figure, tmp_path / "a.png", dpi=40)
    labels = [text for text in figure.axes[0].get_yticklabels() if "mathdefault" in text.get_text()]
    assert labels
    assert all(text.get_parse_math() for text in labels)


def test_a_font_that_has_the_glyphs_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"plain": frozenset({97}), "cjk": frozenset({ord("跑"), ord("步")})}
    monkeypatch.setattr(figure_text, "_installed", lambda: [("Plain", "plain"), ("CJK", "cjk")])
    monkeypatch.setattr(figure_text, "_glyphs", lambda file: held.get(file, frozenset({98})))
    figure_text._families_for.cache_clear()
    assert figure_text._families_for(frozenset("b跑步")) == ("CJK",)
    assert figure_text._families_for(frozenset("b")) == ()
    figure_text._families_for.cache_clear()


def test_no_font_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(figure_text, "_installed", list)
    figure_text._families_for.cache_clear()
    with caplog.at_level(logging.INFO, "vcc.figure_text"):
        save_picture(drawn("跑步 跳ぶ"), tmp_path / "a.png", dpi=40)
    figure_text._families_for.cache_clear()
    (record,) = (each for each in caplog.records if each.name == "vcc.figure_text")
    assert "no installed font has" in record.getMessage()
