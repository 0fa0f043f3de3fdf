"""UCF101's lists: the files that it is published with, or the table that they are made from.

`classInd.txt`, `trainlistNN.txt` (`CLASS/VIDEO.avi NUMBER`) and `testlistNN.txt`
(`CLASS/VIDEO.avi`), with blanks or tabs, slashes or backslashes; without the lists of a split, the
table `clip_counts.csv` stands for them.
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
from vcc.data.annotations.ids import is_video_name
from vcc.data.annotations.names import group_of
from vcc.data.annotations.thesis_json import read_json
from vcc.data.annotations.ucf101 import (
    CLASS_INDEX_NAME,
    TABLE_NAME,
    official_annotation,
    read_table,
    write_official_files,
)
from vcc.errors import DataError

# Not `str.isdigit`, which takes figures that `int` refuses.
_CLASS_NUMBER = re.compile(r"[0-9]{1,9}")
_MADE_FROM_TABLE = re.compile(r"^(ucf101_0[123]\.json|(train|test)list0[123]\.txt|classInd\.txt)$")
_LIST = re.compile(r"^(train|test)list(\d\d)\.txt$")


@LABEL_FORMS.register("ucf101")
class Ucf101Lists:
    """A list file, a folder with those of the split or the table, or what that table makes."""

    accepts = "UCF101's lists"
    rank = 10

    def recognises(self, path: Path, split: int) -> bool:
        """Return whether the files at a path are UCF101's, or can be made."""
        if not path.is_dir():
            return bool(_LIST.match(path.name)) or _is_made(path)
        return _has_lists(path, split) or (path / TABLE_NAME).is_file()

    def read(self, path: Path, split: int) -> Annotation:
        """Return the annotation: of a list file's own split, or of `split` in a folder."""
        if not path.is_dir():
            return _read_file(path)
        if _has_lists(path, split):
            return read_ucf_lists(path, split)
        return official_annotation(read_table(path / TABLE_NAME), split)


def _is_made(path: Path) -> bool:
    is_official = _MADE_FROM_TABLE.match(path.name) and (path.parent / TABLE_NAME).is_file()
    return bool(is_official) and not path.exists()


def _read_file(path: Path) -> Annotation:
    if _is_made(path):
        write_official_files(path.parent)
    match = _LIST.match(path.name)
    return read_ucf_lists(path.parent, int(match[2])) if match else read_json(path)


def _has_lists(folder: Path, split: int) -> bool:
    return (folder / f"trainlist{split:02d}.txt").is_file()


def read_ucf_lists(folder: Path, split: int) -> Annotation:
    """Read the official lists of one split; raises DataError where a line makes no sense."""
    entries: list[Entry] = []
    index = _class_index(folder / CLASS_INDEX_NAME)
    for subset in ("train", "test"):
        path = folder / f"{subset}list{split:02d}.txt"
        for number, line in read_lines(path):
            name, class_number = _cells(line, has_number=subset == "train")
            video = PurePosixPath(name.replace("\\", "/"))
            label = video.parent.name
            if label not in index:
                msg = f"{path}:{number}: class {label!r} is not in {CLASS_INDEX_NAME}; correct it"
                raise DataError(msg)
            if class_number is not None and class_number != str(index[label]):
                msg = (
                    f"{path}:{number}: {class_number!r} is not the number of {label!r}, which is "
                    f"{index[label]} in {CLASS_INDEX_NAME}; correct it"
                )
                raise DataError(msg)
            entries.append(Entry(video.stem, label, subset, group_of(video.stem), str(video)))
    named = with_ids(entries)
    check_entries(named, folder)
    return Annotation(tuple(index), named, split_name(split))


def _cells(line: str, *, has_number: bool) -> tuple[str, str | None]:
    """Return path and class number of a line; copies of the test lists may have it as well."""
    *name, last = line.rsplit(None, 1)
    if name and (has_number or (_CLASS_NUMBER.fullmatch(last) and is_video_name(name[0]))):
        return name[0], last
    return line, "" if has_number else None


def _class_index(path: Path) -> dict[str, int]:
    numbers: dict[int, str] = {}
    for number, line in read_lines(path):
        text, label = (line.split(None, 1) + [""])[:2]
        if not _CLASS_NUMBER.fullmatch(text) or not label.strip():
            msg = f"{path}:{number}: {line!r} is not `NUMBER CLASS`; correct the class index"
            raise DataError(msg)
        if int(text) in numbers:
            msg = f"{path}:{number}: number {text} is given twice; correct the class index"
            raise DataError(msg)
        numbers[int(text)] = label.strip()
    ordered = sorted(numbers.items())
    check_labels([label for _, label in ordered], path)
    return {label: number for number, label in ordered}
