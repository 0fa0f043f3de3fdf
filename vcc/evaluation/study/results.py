"""What a study keeps of each cell: one JSON file that stands alone, on whatever machine it is read.

Besides the figures it holds which test videos were right, for the network and for the dense one it
came from, so that paired differences can be computed from the files alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vcc.errors import DataError, one_line
from vcc.files import write_whole

FORMAT = 1
_NUMBERS = ("params", "macs", "size_bytes", "sparsity", "clip_top1", "training_s", "seconds")
_TEXTS = (
    "model", "method", "repeat", "settings", "created", "run_id", "command", "right", "dense_right",
)  # fmt: skip
EAGER = "PyTorch eager CPU"
# What a file computes in when its accuracy is measured.
SCORED_PRECISIONS = ("f32", "int8")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One network on one runtime: the median of its timed runs, milliseconds.

    Attributes:
        network: "dense" or "compressed".
        runtime: what ran it, such as "OpenVINO CPU".
        precision: what it computed in.
        p50_ms: median.
        p95_ms: 95th percentile.
    """

    network: str
    runtime: str
    precision: str
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """Everything measured on one cell.

    Attributes:
        model: name in the matrix.
        method: name in the matrix, "dense" for none.
        repeat: "s1" for seed 1, "split1" for the first official split, "f1" for the first fold.
        settings: digest of everything in the matrix that the figures depend on.
        created: UTC, ISO 8601.
        run_id: MLflow run.
        command: computes this cell again.
        machine: CPU, its features, cores, git commit and versions.
        params: parameters.
        macs: of one timed clip.
        size_bytes: of the exported file.
        sparsity: share of zero weights, 0..1.
        clip_top1: of the exported file, 0..1.
        right: a character per test video, "1" where the exported file is right.
        dense_right: the same of the dense network's file; "" in a dense cell.
        timings: medians of this cell's run; those of one cell were taken in turns. None where
            accuracy alone was asked for so far.
        timed_clip: frames, height and width of a timed clip.
        training_s: seconds of training.
        seconds: of everything.
        groups: a number per test video, with blanks between: equal where two are of one group, such
            as cuts of one recording; "" in files from before there were any.
        perturbed: how the test videos were changed -> `right` of the changed ones.
    """

    model: str
    method: str
    repeat: str
    settings: str
    created: str
    run_id: str
    command: str
    machine: dict[str, str]
    params: int
    macs: int
    size_bytes: int
    sparsity: float
    clip_top1: float
    right: str
    dense_right: str
    timings: tuple[Timing, ...]
    timed_clip: tuple[int, int, int]
    training_s: float
    seconds: float
    groups: str = ""
    perturbed: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Name of the cell."""
        return f"{self.model}.{self.method}.{self.repeat}"

    @property
    def video_top1(self) -> float:
        """Share of test videos that are right, 0..1."""
        return self.right.count("1") / len(self.right)

    def best(self, network: str, *, any_precision: bool = False) -> Timing | None:
        """Return a network's fastest runtime that is not PyTorch; None if there is none.

        Args:
            network: "dense" or "compressed".
            any_precision: count bfloat16 and float16 too, in which no accuracy is measured.
        """
        rows = [
            row
            for row in self.timings
            if row.network == network
            and row.runtime != EAGER
            and (any_precision or row.precision in SCORED_PRECISIONS)
        ]
        return min(rows, key=lambda row: row.p50_ms, default=None)

    def time_of(self, network: str, runtime: str, precision: str) -> Timing | None:
        """Return the row of a network on a runtime; None if it was not run."""
        key = (network, runtime, precision)
        for row in self.timings:
            if (row.network, row.runtime, row.precision) == key:
                return row
        return None


def write_result(result: CellResult, folder: Path) -> Path:
    """Write a cell's file, complete or not at all, and return its path."""
    path = folder / f"{result.key}.json"
    write_whole(path, json.dumps({"format": FORMAT, **asdict(result)}, indent=1) + "\n")
    return path


def read_result(path: Path) -> CellResult:
    """Read a cell's file.

    Raises:
        DataError: it is no cell's file of this version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _from_content(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = one_line(error, at_most=200)
        msg = f"{path}: not a result of a study ({problem}): delete it to compute the cell again"
        raise DataError(msg) from None


def _from_content(content: Mapping[str, Any]) -> CellResult:
    values = dict(content)
    if values.pop("format") != FORMAT:
        msg = f"format is not {FORMAT}"
        raise ValueError(msg)
    known = {each.name for each in fields(CellResult)}
    # Files from before a field was added lack it.
    wanted = {
        each.name
        for each in fields(CellResult)
        if each.default is MISSING and each.default_factory is MISSING
    }
    if not wanted <= set(values) <= known:
        msg = f"its keys differ by {sorted((wanted - set(values)) | (set(values) - known))}"
        raise ValueError(msg)
    _check_plain(values)
    values["timings"] = tuple(_timing(row) for row in values["timings"])
    values["timed_clip"] = tuple(values["timed_clip"])
    for name in ("right", "dense_right"):
        if set(values[name]) - {"0", "1"}:
            msg = f"{name} holds something else than 0 and 1"
            raise ValueError(msg)
    if len(values["dense_right"]) not in (0, len(values["right"])) or not values["right"]:
        msg = "right and dense_right are not of the same videos"
        raise ValueError(msg)
    if values.get("groups") and len(values["groups"].split()) != len(values["right"]):
        msg = "groups and right are not of the same videos"
        raise ValueError(msg)
    for name, answers in values.get("perturbed", {}).items():
        if len(answers) != len(values["right"]) or set(answers) - {"0", "1"}:
            msg = f"perturbed {name} and right are not of the same videos"
            raise ValueError(msg)
    return CellResult(**values)


def _check_plain(values: Mapping[str, Any]) -> None:
    """Refuse what is no number or no text where a report reckons or writes with it."""
    for name in _NUMBERS:
        _check_number(name, values[name])
    texts = [values[name] for name in _TEXTS] + [*values["machine"], *values["machine"].values()]
    if not all(isinstance(text, str) for text in texts):
        msg = f"one of {', '.join(_TEXTS)} and machine is no text"
        raise ValueError(msg)
    clip = values["timed_clip"]
    if not isinstance(clip, list) or len(clip) != len("THW"):
        msg = "timed_clip is not frames, height and width"
        raise ValueError(msg)
    for side in clip:
        _check_number("timed_clip", side)


def _timing(row: Any) -> Timing:
    timing = Timing(**row)
    for name in ("network", "runtime", "precision"):
        if not isinstance(getattr(timing, name), str):
            msg = f"{name} of a timing is no text"
            raise TypeError(msg)
    for name in ("p50_ms", "p95_ms"):
        _check_number(name, getattr(timing, name))
    return timing


def _check_number(name: str, value: Any) -> None:
    # The comparison also catches NaN and infinity.
    if type(value) not in (int, float) or not 0 <= value <= sys.float_info.max:
        msg = f"{name} is {value!r:.40}, no finite number"
        raise ValueError(msg)
