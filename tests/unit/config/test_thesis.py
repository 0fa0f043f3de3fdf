"""Every option of the thesis is an option of an entry point, or is settled or refused in words."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from vcc.config import entrypoints
from vcc.config.options import Options
from vcc.config.thesis import ALIASES, REFUSED, SETTLED


def test_no_option_is_forgotten(shared: Path) -> None:
    text = (shared / "THESIS_OPTIONS.md").read_text()
    named = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert len(named) > 60
    classes = [
        each
        for each in vars(entrypoints).values()
        if isinstance(each, type) and issubclass(each, Options)
    ]
    taken = {field.name for each in classes for field in dataclasses.fields(each)}
    assert named - taken - set(ALIASES) - set(REFUSED) - set(SETTLED) == set()
    # one meaning each
    trained = {field.name for field in dataclasses.fields(entrypoints.TrainEntry)}
    assert not set(REFUSED) & trained
    assert set(ALIASES.values()) <= taken


def test_settled_options_have_one_value_and_reasons_are_sentences() -> None:
    assert not set(ALIASES) & set(REFUSED) | set(ALIASES) & set(SETTLED)
    assert all(" " in reason for reason in REFUSED.values())
    assert all(" " in reason for _, reason in SETTLED.values())
