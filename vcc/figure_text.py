"""Text in figures as it was given: no mathematics, and a font for every script that one has.

Class, layer and model names are text. matplotlib takes what stands between two dollar signs for
mathematics, and its own font has no Chinese, Japanese or Korean glyphs.
"""

from __future__ import annotations

import functools
import logging
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter

from vcc.files import replacing

logger = logging.getLogger(__name__)

# Weights and slants of one family have the same glyphs.
_PLAIN = ("normal", "regular", "book", 400)


def save_picture(figure: Figure, path: Path, **settings: Any) -> None:
    """Write a figure as PNG whose texts all stand as they were given, whole or not at all.

    Args:
        figure: complete; its texts are changed in place.
        path: PNG file to write.
        settings: of `Figure.savefig`, such as `dpi`.
    """
    texts = _given_texts(figure)
    families = _families_for(frozenset("".join(text.get_text() for text in texts)))
    for text in texts:
        text.set_parse_math(False)
        if families:
            text.set_fontfamily([*mpl.rcParams["font.family"], *families])
    with warnings.catch_warnings():
        # One line was written already, where no font has them.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        with replacing(path) as partial:
            figure.savefig(partial, format="png", **settings)


def _given_texts(figure: Figure) -> list[Text]:
    """Return all texts but the powers of ten that matplotlib writes beside a logarithmic axis."""
    powers: set[int] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), LogFormatter):
                labels = [*axis.get_ticklabels(), *axis.get_ticklabels(minor=True)]
                powers |= {id(label) for label in labels}
    return [text for text in figure.findobj(Text) if id(text) not in powers]


@functools.lru_cache(maxsize=64)
def _families_for(characters: frozenset[str]) -> tuple[str, ...]:
    """Return installed font families that have the characters which the usual font lacks."""
    usual = font_manager.findfont(font_manager.FontProperties())
    missing = {ord(each) for each in characters if each.isprintable()} - _glyphs(usual)
    families: list[str] = []
    for family, file in _installed() if missing else ():
        if found := missing & _glyphs(file):
            families.append(family)
            missing -= found
        if not missing:
            break
    if missing:
        shown = "".join(map(chr, sorted(missing)[:8]))
        logger.info("pictures: no installed font has %s; install one, as Noto Sans CJK", shown)
    return tuple(families)


def _installed() -> list[tuple[str, str]]:
    """Return family and file of every installed font in its plain form, sans serif ones first."""
    fonts = [
        (font.name, font.fname)
        for font in font_manager.fontManager.ttflist
        if font.style == "normal" and font.weight in _PLAIN
    ]
    return sorted(fonts, key=lambda font: ("sans" not in font[0].lower(), font))


@functools.lru_cache(maxsize=512)
def _glyphs(file: str) -> frozenset[int]:
    try:
        return frozenset(font_manager.get_font(file).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
