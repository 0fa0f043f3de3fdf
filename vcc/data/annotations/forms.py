"""The forms that labels come in: registered beside their readers, and found for a path.

A form is one file of this room, or a module of another package under the entry point
`vcc.label_forms`:

    @LABEL_FORMS.register("name")
    class Form:
        accepts = "the lists of NAME"
        rank = 50
        def recognises(self, path, split): ...
        def read(self, path, split): ...
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from vcc.data.annotations.annotation import Annotation
from vcc.errors import DataError
from vcc.registry import Registry


class LabelForm(Protocol):
    """A form of labels; its class is registered, and made without arguments.

    Attributes:
        accepts: what it reads, as messages name it, such as `HMDB51's lists`.
        rank: of several forms that recognise a path, the one of the lowest rank reads it: 10 to 30
            for forms told by the names of their files, 90 for one that takes any file.
    """

    accepts: str
    rank: int

    def recognises(self, path: Path, split: int) -> bool:
        """Return whether a path, which need not exist, looks like this form.

        Args:
            path: a file or a folder.
            split: the split that is asked for, from 1.
        """

    def read(self, path: Path, split: int) -> Annotation:
        """Return the annotation that a recognised path names.

        Raises:
            DataError: a file is missing, is not in that form or contradicts itself.
        """


LABEL_FORMS: Registry[type[LabelForm]] = Registry(
    "form of labels",
    group="vcc.label_forms",
    rooms=("vcc.data.annotations", "vcc.data.lists"),
    error=DataError,
)


def load_annotation(path: str | os.PathLike[str], split: int) -> Annotation:
    """Read an annotation in any registered form.

    Args:
        path: a file or a folder, as a form recognises it. UCF101's official files that are missing
            beside the table `clip_counts.csv` are made from it first.
        split: which split, where the path names several.

    Raises:
        DataError: there is no annotation there, or it contradicts itself.
    """
    path = Path(path)
    for form in _by_rank():
        if form.recognises(path, split):
            return form.read(path, split)
    known = ", ".join(form.accepts for form in _by_rank())
    msg = f"{path}: no annotation for split {split} there; give a path to one of: {known}"
    raise DataError(msg)


def _by_rank() -> Iterator[LabelForm]:
    for form in sorted((form for _, form in LABEL_FORMS.items()), key=lambda form: form.rank):
        yield form()
