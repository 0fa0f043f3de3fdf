"""Pages that are tables of the code: options of the entry points, classes of a schedule."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from meanings import meaning, sentence

from vcc.cli import format_value
from vcc.compression.schedule.clips import CLIP_FIELDS
from vcc.compression.schedule.dialect import (
    DISTILLERS,
    EXTENSIONS,
    OWN_LR_SCHEDULERS,
    PRUNERS,
    REGULARIZERS,
)
from vcc.compression.schedule.fields import Field
from vcc.compression.schedule.quantizer_fields import QUANTIZERS
from vcc.config.mlproject import ENTRY_POINTS
from vcc.config.options import Options, describe_type, field_types

_SECTIONS = {
    "pruners": PRUNERS,
    "regularizers": REGULARIZERS,
    "quantizers": QUANTIZERS,
    "extensions": EXTENSIONS,
    "distillers": DISTILLERS,
    "lr_schedulers": OWN_LR_SCHEDULERS,
}


def options_page() -> str:
    """Return the page of every entry point's options, with types, defaults and meanings."""
    lines = [
        "# Options of the entry points",
        "",
        "Given as `-P name=value` to `mlflow run . -e ENTRY`, or as `--name value` to",
        "`python -m entrypoints.MODULE` (the module of `main` is `pipeline`). Where the default is",
        "`-`, it is decided when the command runs, as the option's line says.",
    ]
    for entry, (module, cls) in ENTRY_POINTS.items():
        summary = (cls.__doc__ or "").split("\n")[0]
        lines += ["", f"## {entry}", "", f"`python -m entrypoints.{module}`. {summary}", ""]
        lines += _table(("option", "type", "default", "meaning"), _option_rows(cls))
    return "\n".join(lines) + "\n"


def dialect_page() -> str:
    """Return the page of every class that a schedule may name, with its fields."""
    lines = [
        "# Classes of a schedule",
        "",
        "What each section of a schedule may hold, read from the table that the loader checks",
        "against; [Compression schedules](../schedules.md) has an example of each. `lr_schedulers`",
        "also takes every class of `torch.optim.lr_scheduler` whose arguments are plain values.",
    ]
    lines += ["", "## clips", "", "Figures of the compressed network's clips, without a class.", ""]
    lines += _table(
        ("field", "meaning"),
        [
            (f"`{name}`", f"{field.help.removeprefix('extension: ')} (*extension*)")
            for name, field in CLIP_FIELDS.items()
        ],
    )
    for section, classes in _SECTIONS.items():
        lines += ["", f"## {section}"]
        for name, fields in classes.items():
            lines += ["", f"### {name}", "", sentence(name), ""]
            lines += _table(("field", "default", "meaning"), _field_rows(name, fields))
    return "\n".join(lines) + "\n"


def _option_rows(cls: type[Options]) -> list[tuple[str, ...]]:
    hints = field_types(cls)
    rows = []
    for field in dataclasses.fields(cls):
        choices = ", ".join(f"`{choice}`" for choice in field.metadata.get("choices", ()))
        meaning = field.metadata["help"] + (f": {choices}" if choices else "")
        default = format_value(field.default)
        kind = describe_type(hints[field.name]).removeprefix("a ")
        rows.append((f"`{field.name}`", kind, f"`{default}`" if default else "-", meaning))
    return rows


def _field_rows(class_name: str, fields: Mapping[str, Field]) -> list[tuple[str, ...]]:
    rows = []
    for name, field in fields.items():
        default = "null" if field.default is None else str(field.default)
        told = "required" if field.required else f"`{default}`"
        extension = " (*extension*)" if field.help.startswith("extension") else ""
        rows.append((f"`{name}`", told, meaning(class_name, name) + extension))
    return rows


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    cells = [head, tuple("---" for _ in head), *rows]
    return [
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in cells
    ]
