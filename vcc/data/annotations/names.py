"""What a video's name says, and a name that is safe to store it under."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable
from urllib.parse import quote

from vcc.errors import DataError

# UCF101's naming; anything that ends in _gNN_cNN is taken to mean group and clip too.
_GROUPED = re.compile(r"^(?:v_)?(?P<label>.+)_g(?P<group>\d+)_c(?P<clip>\d+)$")

# File systems allow 255 bytes; room is left for the suffix and the prefix of partial files.
_LONGEST_NAME = 200


def group_of(video_id: str) -> str | None:
    """Return `LABEL_gNN` for a name such as `v_LABEL_gNN_cNN`, the unit that never gets split."""
    match = _GROUPED.match(video_id)
    return f"{match['label']}_g{match['group']}" if match else None


def group_number(group: str) -> int | None:
    """Return the number at the end of a group made by `group_of`, if there is one."""
    match = re.search(r"_g(\d+)$", group)
    return int(match[1]) if match else None


def safe_name(name: str) -> str:
    """Return a file name of letters, digits and `._-%` that is different for different names.

    Other bytes become %XX; what is then too long keeps its beginning and ends in a hash.
    """
    encoded = quote(name, safe="", errors="surrogateescape").replace("~", "%7E")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if len(encoded) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]
        encoded = f"{encoded[: _LONGEST_NAME - 17]}-{digest}"
    return encoded


def is_text(name: str) -> bool:
    """Return whether a file name is valid text, which not every file system guarantees."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def first_alike(names: Iterable[str]) -> tuple[str, str] | None:
    """Return two names that people read as one: case, blanks and underscores alone differ."""
    first: dict[str, str] = {}
    for name in sorted(names):
        plain = re.sub(r"[\s_]+", " ", unicodedata.normalize("NFKC", name)).strip().casefold()
        other = first.setdefault(plain, name)
        if other != name:
            return other, name
    return None


def listed(names: Collection[str], *, most: int = 5) -> str:
    """Return names as words of a sentence: sorted, quoted, and how many more there are.

    Args:
        names: one at least.
        most: how many are written out.
    """
    ordered = sorted(names)
    shown = [repr(name) for name in ordered[:most]]
    more = [f"{len(ordered) - most} more"] if len(ordered) > most else []
    *first, last = [*shown, *more]
    return f"{', '.join(first)} and {last}" if first else last


# What a registry, its addresses and every file system can hold.
_DATASET = re.compile(r"\w(?:[\w .-]*\w)?")
_LONGEST_DATASET = 100
_LONGEST_LABEL = 200
# Endings by which the forms of a registered model are told apart.
_TAKEN_ENDINGS = ("-onnx", "-video", "-promotion-lock")


def check_dataset_name(name: str) -> None:
    """Refuse a name that a registry, its addresses or a file system cannot hold.

    Raises:
        DataError: it is not letters, digits, spaces and `._-`, or ends like a form of a model.
    """
    if not _DATASET.fullmatch(name) or len(name) > _LONGEST_DATASET:
        msg = (
            f"dataset: {name[:120]!r} cannot be the name of a data set: letters, digits, spaces "
            f"and ._- are allowed, a letter or a digit first and last, {_LONGEST_DATASET} at most; "
            "name it by dataset=NAME when it is prepared"
        )
        raise DataError(msg)
    if name.endswith(_TAKEN_ENDINGS):
        msg = (
            f"dataset: {name!r} ends in {', '.join(_TAKEN_ENDINGS)}, by which forms of a model are "
            "told apart: give another name by dataset=NAME"
        )
        raise DataError(msg)


def check_label(label: str) -> None:
    """Refuse a label that a table, a picture or a registry cannot show.

    Raises:
        DataError: it is empty, too long, or holds a character that cannot be printed.
    """
    if not label.strip() or len(label) > _LONGEST_LABEL or not label.isprintable():
        msg = (
            f"label {label[:80]!r}: cannot be used: 1 to {_LONGEST_LABEL} characters that can be "
            "printed are allowed; rename it in the annotation or the folder"
        )
        raise DataError(msg)


def check_run_name(name: str) -> None:
    """Refuse a run's name that a list of runs cannot show.

    Raises:
        DataError: it is empty, too long, or holds a character that cannot be printed.
    """
    if not name.strip() or len(name) > _LONGEST_LABEL or not name.isprintable():
        msg = (
            f"run_name: {name[:80]!r}: 1 to {_LONGEST_LABEL} characters that can be printed are "
            "allowed"
        )
        raise DataError(msg)
