"""Finding out which form of annotation a path names, and reading it."""

from __future__ import annotations

import re
from pathlib import Path

from vcc.data.annotations.annotation import Annotation, read_json
from vcc.data.annotations.lists import (
    has_hmdb_lists,
    read_hmdb_lists,
    read_kinetics_csv,
    read_ucf_lists,
)
from vcc.data.annotations.ucf101 import (
    TABLE_NAME,
    official_annotation,
    read_table,
    write_official_files,
)
from vcc.errors import DataError

_UCF_LIST = re.compile(r"^(train|test)list(\d\d)\.txt$")
_MADE_FROM_TABLE = re.compile(r"^(ucf101_0[123]\.json|(train|test)list0[123]\.txt|classInd\.txt)$")


def load_annotation(path: Path, split: int) -> Annotation:
    """Read an annotation in any form this project knows.

    Args:
        path: a JSON file in the thesis's form; one of UCF101's list files; a CSV file of Kinetics;
            or a folder of list files. UCF101's official files that are missing beside the table
            `clip_counts.csv` are made from it first.
        split: which split, where the path names several.

    Raises:
        DataError: there is no annotation there, or it contradicts itself.
    """
    if path.is_dir():
        return _load_folder(path, split)
    can_be_made = _MADE_FROM_TABLE.match(path.name) and (path.parent / TABLE_NAME).is_file()
    if can_be_made and not path.exists():
        write_official_files(path.parent)
    if match := _UCF_LIST.match(path.name):
        return read_ucf_lists(path.parent, int(match[2]))
    if path.suffix == ".csv" and path.is_file() and path.name != TABLE_NAME:
        return read_kinetics_csv([path])
    return read_json(path)


def _load_folder(folder: Path, split: int) -> Annotation:
    if (folder / f"trainlist{split:02d}.txt").is_file():
        return read_ucf_lists(folder, split)
    if (folder / TABLE_NAME).is_file():
        return official_annotation(read_table(folder / TABLE_NAME), split)
    if has_hmdb_lists(folder):
        return read_hmdb_lists(folder, split)
    if csv_files := sorted(folder.glob("*.csv")):
        return read_kinetics_csv(csv_files)
    json_files = sorted(folder.glob("*.json"))
    if len(json_files) == 1:
        return read_json(json_files[0])
    msg = (
        f"{folder}: no annotation for split {split} there; give a JSON file, or a folder with "
        "UCF101's or HMDB51's lists or Kinetics' CSV files"
    )
    raise DataError(msg)
