"""Which column of a list is the path, the label, the subset and the group, by name or content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.data.annotations.ids import is_video_name
from vcc.data.annotations.subsets import is_split, subset_word
from vcc.errors import DataError

_NUMBER = re.compile(r"[0-9]{1,9}")

# Names of columns in a header, small letters and figures alone; the better ones first.
_PATH = ("path", "filepath", "videopath", "clippath", "relativepath", "file", "filename", "video",
         "videofile", "videofilename", "videofilepath", "videoname", "vidname", "vid", "clip",
         "clipname", "name", "videoid", "id", "framedir", "url", "uri")  # fmt: skip
_LABEL = ("label", "labels", "class", "classname", "labelname", "category", "action", "activity",
          "target", "tag", "choice", "classid", "labelid", "classindex", "labelindex",
          "y")  # fmt: skip
_SUBSET = ("split", "subset", "set", "partition", "usage", "datasplit", "splitname", "phase",
           "traintest", "mluse")  # fmt: skip
_GROUP = ("group", "groupid")
# True or false instead of a subset's name: what true stands for.
_FLAGS = {
    **dict.fromkeys(("train", "istrain", "istraining", "intrain", "trainflag"), "train"),
    **dict.fromkeys(("val", "valid", "isval", "isvalid", "isvalidation", "isdev"), "val"),
    **dict.fromkeys(("test", "istest", "istesting", "intest", "testflag"), "test"),
}
_TRUTH = {
    **dict.fromkeys(("1", "1.0", "true", "t", "yes", "y"), True),
    **dict.fromkeys(("0", "0.0", "false", "f", "no", "n", ""), False),
}
_FOLD = ("fold", "folds", "kfold", "cvfold", "foldid", "foldnumber", "foldindex")
# They may say what belongs together; nothing but a name of `_GROUP` is taken for it.
_LIKE_GROUPS = re.compile(
    r"(subject|person|participant|actor|performer|signer|patient|user|session|recording|source"
    r"|sourcevideo|youtube|day|camera)(id|name|number)?"
)


@dataclass(frozen=True)
class Columns:
    """The places of the cells that are read; -1 where there is none.

    Attributes:
        flags: places of columns that are true or false, and the subset that true stands for.
        is_named: whether the first row is a header.
        unread: names of columns that are not read.
    """

    path: int = 0
    label: int = -1
    subset: int = -1
    group: int = -1
    flags: tuple[tuple[int, str], ...] = ()
    is_named: bool = False
    unread: tuple[str, ...] = ()

    @property
    def has_subsets(self) -> bool:
        """Whether a column says the subsets."""
        return self.subset >= 0 or bool(self.flags)

    @property
    def like_groups(self) -> tuple[str, ...]:
        """Names of unread columns that may say which videos belong together."""
        return tuple(name for name in self.unread if _LIKE_GROUPS.fullmatch(column_name(name)))

    def subset_of(self, cells: Sequence[str], where: str) -> str:
        """Return what a row says of its subset, "" for nothing.

        Raises:
            DataError: flags that are neither true nor false, or contradict each other.
        """
        if self.subset >= 0 or not self.flags:
            return cells[self.subset] if self.subset >= 0 else ""
        return _flagged([(cells[place], word) for place, word in self.flags], where)


def _flagged(flags: Sequence[tuple[str, str]], where: str) -> str:
    # Of several flags, people fill in the one that holds; a blank alone says nothing.
    blank = False if len(flags) > 1 else None
    truths = [(_TRUTH.get(text.casefold()) if text else blank, word) for text, word in flags]
    true = [word for truth, word in truths if truth]
    if any(truth is None for truth, _ in truths) or len(true) > 1:
        said = ", ".join(f"{word} {text[:20]!r}" for text, word in flags)
        msg = f"{where}: {said}: not one subset; correct the row, or write one column named split"
        raise DataError(msg)
    words = {word for _, word in truths}
    return true[0] if true else "test" if "train" in words else "train"


def column_name(text: str) -> str:
    """Return a column's name in small letters and figures alone: ` YouTube ID` is `youtubeid`."""
    return re.sub(r"[\W_]", "", text.casefold())


def is_header(cells: Sequence[str]) -> bool:
    """Return whether a row names a column of paths and one of labels."""
    names = [column_name(cell) for cell in cells]
    return _first(names, _PATH) >= 0 and _first(names, _LABEL) >= 0


def path_place(cells: Sequence[str]) -> int:
    """Return which cell of a header names the paths, -1 for none."""
    return _first([column_name(cell) for cell in cells], _PATH)


def find_columns(rows: Sequence[Sequence[str]], where: Path) -> Columns:
    """Return which columns a list has.

    Args:
        rows: cells, as many in each row; the first may be a header.
        where: the file, for messages.

    Raises:
        DataError: it cannot be told which they are, or a column says folds instead of a split.
    """
    names = [column_name(cell) for cell in rows[0]]
    path, label = _first(names, _PATH), _first(names, _LABEL)
    if not _is_named(rows, path, label):
        return _by_content(rows, where)
    below = list(zip(*rows[1:], strict=True))
    subset, group, flags = _first(names, _SUBSET), _first(names, _GROUP), _flags(names, below)
    taken = {subset, group, *(place for place, _ in flags)}
    if path < 0:
        path = _only(
            [n for n, cells in enumerate(below) if all(map(is_video_name, cells))],
            "paths of videos", rows[0], where,
        )  # fmt: skip
    if label < 0 and len(names) > 1:
        others = [n for n, name in enumerate(names) if name and n != path and n not in taken]
        label = _only([n for n in others if names[n] not in _FOLD], "labels", rows[0], where)
    if subset < 0 and not flags:
        subset = _subsets_by_content(below, {path, label, group})
        _check_folds(names, subset, rows[0], where)
    flags = () if subset >= 0 else flags
    read = {path, label, subset, group, *(place for place, _ in flags)}
    unread = tuple(cell for n, cell in enumerate(rows[0]) if cell and n not in read)
    return Columns(path, label, subset, group, flags, is_named=True, unread=unread)


def _is_named(rows: Sequence[Sequence[str]], path: int, label: int) -> bool:
    """Return whether the first row is a header."""
    if path >= 0 and label >= 0:
        return True
    # A class may be called `action`, so one known name is not enough beside a file's.
    no_file = not any(is_video_name(cell) or "/" in cell for cell in rows[0])
    return (path >= 0 or label >= 0) and no_file and len(rows) > 1


def _first(names: Sequence[str], known: Sequence[str]) -> int:
    return next((names.index(name) for name in known if name in names), -1)


def _only(places: Sequence[int], what: str, header: Sequence[str], where: Path) -> int:
    if len(places) != 1:
        named = ", ".join(repr(cell) for cell in header)
        msg = (
            f"{where}: none of the columns {named} is known to be that of {what}; name the columns "
            "path, label and split"
        )
        raise DataError(msg)
    return places[0]


def _flags(names: Sequence[str], columns: Sequence[Sequence[str]]) -> tuple[tuple[int, str], ...]:
    """Return the places of columns of true and false that are named after subsets."""
    return tuple(
        (place, _FLAGS[name])
        for place, (name, cells) in enumerate(zip(names, columns, strict=False))
        if name in _FLAGS and (name.startswith("is") or all(c.casefold() in _TRUTH for c in cells))
    )


def _subsets_by_content(columns: Sequence[Sequence[str]], taken: set[int]) -> int:
    """Return the column that holds nothing but names of subsets, by whatever name; else -1."""
    for place, cells in enumerate(columns):
        words = {subset_word(cell) for cell in cells}
        if place not in taken and None not in words and is_split(words):
            return place
    return -1


def _check_folds(names: Sequence[str], subset: int, header: Sequence[str], where: Path) -> None:
    fold = _first(names, _FOLD)
    if fold >= 0 and subset < 0:
        name = header[fold]
        msg = (
            f"{where}: the column {name!r} says folds, not which of them is for test; add a column "
            f"split with train and test, or rename {name!r} to group to have whole folds drawn"
        )
        raise DataError(msg)


def _by_content(rows: Sequence[Sequence[str]], where: Path) -> Columns:
    """Return what the columns of a list without header are."""
    width = len(rows[0])
    columns = list(zip(*rows, strict=True))
    if width == 1:
        return Columns()
    if width == 2:
        is_swapped = all(map(is_video_name, columns[1])) and not any(map(is_video_name, columns[0]))
        return Columns(1, 0) if is_swapped else Columns(0, 1)
    paths = [n for n, cells in enumerate(columns) if all(map(is_video_name, cells))][:1] or [0]
    subset = _subsets_by_content(columns, set(paths))
    if subset < 0 and all(map(subset_word, columns[-1])):
        subset = width - 1
    rest = [n for n in range(width) if n not in (*paths, subset)]
    words = [n for n in rest if not all(map(_NUMBER.fullmatch, columns[n]))]
    if len(rest) == 2 and paths == [0] and rest == [1, 2] and 1 not in words:
        # A path, its number of frames, and its label.
        return Columns(0, 2, subset)
    if len(rest) == 1 or len(words) == 1:
        return Columns(paths[0], (words or rest)[0], subset)
    msg = (
        f"{where}: {width} columns and no header that says which they are; name them in the first "
        "row, such as path,label,split"
    )
    raise DataError(msg)
