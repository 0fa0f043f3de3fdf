"""Pages that are tables of the code: options of the entry points, classes of a schedule."""

from __future__ import annotations

import dataclasses
from typing import Any

from vcc.cli import format_value
from vcc.compression.schedule.arguments import Arguments
from vcc.compression.schedule.clips import CLIP_FIELDS
from vcc.compression.schedule.dialect import classes, subjects
from vcc.config.mlproject import ENTRY_POINTS
from vcc.config.options import Options, describe_type, field_types


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
        "What each section of a schedule may hold, read from the classes that the loader checks",
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
    for section in subjects():
        lines += ["", f"## {section}"]
        for name, spec in classes().items():
            # torch documents its own
            if spec.section == section and not getattr(spec.arguments, "of_torch", False):
                lines += ["", f"### {name}", "", _told(name, spec.arguments), ""]
                lines += _table(("field", "default", "meaning"), _field_rows(name, spec.arguments))
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


def _told(class_name: str, arguments: type[Arguments]) -> str:
    """Return what a class does: its own docstring, in one paragraph."""
    told = arguments.__dict__.get("__doc__")
    if not told:
        msg = f"{class_name} has no docstring"
        raise ValueError(msg)
    return " ".join(told.split())


def _field_rows(class_name: str, arguments: type[Arguments]) -> list[tuple[str, ...]]:
    rows = []
    for name, field in arguments.fields().items():
        if not field.help:
            msg = f"{class_name}.{name} has no help"
            raise ValueError(msg)
        default = "null" if field.default is None else str(field.default)
        told = "required" if field.required else f"`{default}`"
        meaning = field.help.removeprefix("extension: ")
        marked = " (*extension*)" if meaning != field.help else ""
        rows.append((f"`{name}`", told, meaning + marked))
    return rows


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    cells = [head, tuple("---" for _ in head), *rows]
    return [
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in cells
    ]
