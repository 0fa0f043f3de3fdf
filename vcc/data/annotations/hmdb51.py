"""HMDB51's lists: one `CLASS_test_splitN.txt` per class.

A line is `VIDEO.avi MARK`: 1 training, 2 test, 0 unused.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from vcc.data.annotations.annotation import (
    Annotation,
    Entry,
    check_entries,
    check_labels,
    read_lines,
    split_name,
    with_ids,
)
from vcc.data.annotations.forms import LABEL_FORMS
from vcc.errors import DataError

_HMDB_FILE = re.compile(r"^(?P<label>.+)_test_split(?P<split>\d)\.txt$")
_HMDB_SUBSETS = {"1": "train", "2": "test"}


@LABEL_FORMS.register("hmdb51")
class Hmdb51Lists:
    """A folder of split files, of which `split` chooses some, or one of them."""

    accepts = "HMDB51's lists"
    rank = 20

    def recognises(self, path: Path, split: int) -> bool:
        """Return whether a path is a split file, or a folder with some, of whichever split."""
        if not path.is_dir():
            return path.is_file() and bool(_HMDB_FILE.match(path.name))
        return any(_HMDB_FILE.match(found.name) for found in path.glob("*_test_split?.txt"))

    def read(self, path: Path, split: int) -> Annotation:
        """Return the annotation of a split: of a file's own, with the other classes' beside it."""
        if match := _HMDB_FILE.match(path.name):
            return read_hmdb_lists(path.parent, int(match["split"]))
        return read_hmdb_lists(path, split)


def read_hmdb_lists(folder: Path, split: int) -> Annotation:
    """Read HMDB51's split files of one split; videos marked 0 are left out."""
    entries: list[Entry] = []
    labels: list[str] = []
    for path in sorted(folder.glob(f"*_test_split{split}.txt")):
        match = _HMDB_FILE.match(path.name)
        if match is None:
            continue
        labels.append(match["label"])
        for number, line in read_lines(path):
            name, mark = (line.rsplit(None, 1) + [""])[:2]
            if mark not in ("0", "1", "2"):
                msg = f"{path}:{number}: {line!r} is not `VIDEO 0|1|2`; correct the split file"
                raise DataError(msg)
            if mark in _HMDB_SUBSETS:
                found = f"{labels[-1]}/{PurePosixPath(name.strip()).name}"
                entries.append(Entry(found, labels[-1], _HMDB_SUBSETS[mark], None, found))
    if not labels:
        msg = f"{folder}: no split files for split {split}; give another split"
        raise DataError(msg)
    check_labels(labels, folder)
    named = with_ids(entries)
    check_entries(named, folder)
    return Annotation(tuple(labels), named, split_name(split))
