"""A subset of the classes: a study on some of a large data set, with its official split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from vcc.data.annotations.annotation import Annotation, read_text
from vcc.data.annotations.ids import composed
from vcc.errors import ConfigError, nearest


def wanted_classes(text: str | None) -> tuple[str, ...]:
    """Return the classes of the option `classes`: names with commas between, or a file of them.

    None are named where the option is left out. A file holds a name per line.

    Raises:
        ConfigError: fewer than two are named, or one is named twice.
    """
    if text is None:
        return ()
    listed = _lines_of(Path(text))
    names = [composed(name.strip()) for name in (text.split(",") if listed is None else listed)]
    names = [name for name in names if name]
    if len(names) < 2:
        msg = f"classes: {text!r} names fewer than two; give A,B,C or a file with a name per line"
        raise ConfigError(msg)
    if twice := [name for name in names if names.count(name) > 1]:
        msg = f"classes: {twice[0]!r} is named twice; name it once"
        raise ConfigError(msg)
    return tuple(names)


def _lines_of(path: Path) -> list[str] | None:
    """Return the lines of a file, or None where there is none."""
    try:
        there = path.is_file()
    except OSError:
        # A long list of names is no name that a file system takes.
        return None
    return read_text(path, missing="cannot be read").splitlines() if there else None


def check_known(wanted: Sequence[str], labels: Collection[str]) -> None:
    """Raise ConfigError if a wanted class is none of the data set's."""
    for name in wanted:
        if name not in labels:
            msg = f"classes: there is no class {name!r}: {nearest(name, labels)}"
            raise ConfigError(msg)


def restricted(annotation: Annotation, wanted: Sequence[str]) -> Annotation:
    """Return an annotation with the wanted classes alone; none wanted means all.

    The classes keep the annotation's order, and so are numbered anew without gaps.

    Raises:
        ConfigError: a class is not known.
    """
    if not wanted:
        return annotation
    check_known(wanted, annotation.labels)
    return replace(
        annotation,
        labels=tuple(label for label in annotation.labels if label in wanted),
        entries=tuple(entry for entry in annotation.entries if entry.label in wanted),
    )
