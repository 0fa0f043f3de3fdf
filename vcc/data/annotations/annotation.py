"""What the labels of a data set are and which video is for training or test.

What every form of labels is read into, and what the readers share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vcc.data.annotations.ids import composed, listed_ids
from vcc.data.annotations.names import first_alike, is_text
from vcc.data.lists.encoding import decoded
from vcc.errors import DataError


@dataclass(frozen=True)
class Entry:
    """One video of an annotation: `group` is what must stay together, `subset` train, dev or test.

    `path` is how a list names the file, where that is more than the id.
    """

    id: str
    label: str
    subset: str
    group: str | None
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class Annotation:
    """Labels in the order of their class numbers, videos, and the split's name.

    Where `split` is empty the list says nothing of subsets, all videos are `train`, and the split
    is yet to be drawn. `notes` are remarks for the report.
    """

    labels: tuple[str, ...]
    entries: tuple[Entry, ...]
    split: str
    notes: tuple[str, ...] = field(default=(), compare=False)


def read_text(path: Path, *, missing: str) -> str:
    """Return the text of an annotation file: UTF-8 or UTF-16, with a byte-order mark or without.

    It is in composed Unicode, as names of files are when they are compared with it.

    Args:
        path: the file.
        missing: what the error says of a file that is not there or cannot be read.

    Raises:
        DataError: the file cannot be read or is in another encoding.
    """
    try:
        content = path.read_bytes()
    except OSError:
        msg = f"{path}: {missing}"
        raise DataError(msg) from None
    return composed(decoded(content, path))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number, from 1, and text of every line of a list file that is not blank.

    Raises:
        DataError: the file cannot be read or is in another encoding.
    """
    text = read_text(
        path, missing="no such list file; give the folder that holds all lists of the split"
    )
    # Not `splitlines`, which also breaks names at characters that are no line ends in a file.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def check_labels(labels: Sequence[str], where: Path) -> None:
    """Raise DataError unless every class has a name of its own that can be stored."""
    if not labels:
        msg = f"{where}: labels: there are none; list every class"
        raise DataError(msg)
    for label, count in Counter(labels).items():
        if count > 1:
            msg = f"{where}: labels: a label is listed twice ({label!r}); list every label once"
            raise DataError(msg)
        if not _is_name(label):
            msg = f"{where}: labels: {label!r} is no name for a class; give it a valid one"
            raise DataError(msg)
    if pair := first_alike(labels):
        msg = (
            f"{where}: labels: {pair[0]!r} and {pair[1]!r} differ in upper and lower case, blanks "
            "or underscores alone; write them alike where they are one class, else rename one"
        )
        raise DataError(msg)


def check_entries(entries: Sequence[Entry], where: Path) -> None:
    """Raise DataError unless there are videos, each listed once under a name that can be stored."""
    if not entries:
        msg = f"{where}: lists no video for training or test; give an annotation that does"
        raise DataError(msg)
    _check_one_label(entries, where)
    for video_id, count in Counter(entry.id for entry in entries).items():
        if count > 1:
            subsets = dict.fromkeys(entry.subset for entry in entries if entry.id == video_id)
            sides = f", for {' and for '.join(subsets)}" if len(subsets) > 1 else ""
            msg = f"{where}: video {video_id!r} is listed twice{sides}; list it once"
            raise DataError(msg)
        if not _is_name(video_id):
            msg = f"{where}: {video_id!r} is no name for a video; give it a valid one"
            raise DataError(msg)


def _check_one_label(entries: Sequence[Entry], where: Path) -> None:
    labels: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in entries:
        labels[entry.path or entry.id][entry.label] = None
    several = {path: each for path, each in labels.items() if len(each) > 1}
    if several:
        path, named = next(iter(several.items()))
        count = "1 video has" if len(several) == 1 else f"{len(several)} videos have"
        msg = (
            f"{where}: {count} more than one label, first {path!r}: {', '.join(map(repr, named))}; "
            "a video is of one class here: keep one row of each, or cut it into a file for each"
        )
        raise DataError(msg)


def with_ids(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries of a list under the shortest names that tell their paths apart."""
    ids = listed_ids([entry.label for entry in entries], [entry.path for entry in entries])
    return tuple(replace(entry, id=name) for entry, name in zip(entries, ids, strict=True))


def split_name(number: int) -> str:
    """Return the name of a data set's official split, from whichever files it was read."""
    return f"split{number}"


def _is_name(text: str) -> bool:
    # JSON's escapes can make half characters, which no file can hold.
    return bool(text.strip()) and is_text(text)
