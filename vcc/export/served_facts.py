"""What an exported file says about how videos are fed to it, believed where the graph agrees.

The metadata of a file that somebody sent may say anything; its graph says what will run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from vcc.config.data import ClipOptions
from vcc.errors import ConfigError, ExportError
from vcc.export.onnx_file import read_metadata

_SHORT_SIDES = range(8, 4097)
_LARGEST_STRIDE = 1000
_FASTEST = 1000


@dataclass(frozen=True, kw_only=True)
class ServedFacts:
    """What feeds a file.

    Attributes:
        labels: C class names, in the order of the logits.
        clip: how its clips are made.
        short_side: of the frames that clips are cut from, pixels.
        fps: constant rate that videos are resampled to; 0 keeps their frames.
        metadata: everything that the file says.
    """

    labels: tuple[str, ...]
    clip: ClipOptions
    short_side: int
    fps: float
    metadata: Mapping[str, Any]


def served_facts(path: Path) -> ServedFacts:
    """Return what a file says about how videos are fed to it.

    Raises:
        ExportError: it does not say it, or its graph takes or gives something else.
    """
    metadata = read_metadata(path)
    try:
        clip = ClipOptions.from_mapping(metadata["clip"], where="clip")
        labels = _labels(metadata["labels"])
        short_side = _short_side(metadata["stored_frames"]["short_side"])
        # Files written before videos could be resampled do not say it.
        fps = _fps(metadata["stored_frames"].get("fps", 0))
        _check_graph(path, clip, labels)
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        msg = (
            f"{path.name}: does not say properly its classes and clips: {why}: write it again with "
            "`export`"
        )
        raise ExportError(msg) from None
    return ServedFacts(labels=labels, clip=clip, short_side=short_side, fps=fps, metadata=metadata)


def _labels(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
        msg = "labels is not a list of names"
        raise ValueError(msg)
    if len(set(value)) < len(value):
        twice = next(label for label in value if value.count(label) > 1)
        msg = f"labels names {twice[:80]!r} twice"
        raise ValueError(msg)
    return tuple(value)


def _short_side(value: Any) -> int:
    if type(value) is not int or value not in _SHORT_SIDES:
        msg = f"short_side is {str(value)[:40]}, not {_SHORT_SIDES[0]} to {_SHORT_SIDES[-1]} pixels"
        raise ValueError(msg)
    return int(value)


def _fps(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= _FASTEST:
        msg = f"fps is {str(value)[:40]}, not 0 to {_FASTEST} frames a second"
        raise ValueError(msg)
    return float(value)


def _check_graph(path: Path, clip: ClipOptions, labels: tuple[str, ...]) -> None:
    graph = onnx.load(str(path), load_external_data=False).graph
    taken, given = (_shape(values) for values in (graph.input, graph.output))
    size = clip.sample_size
    said = (3, clip.sample_duration, size, size)
    if taken is not None and taken[1:] != said:
        msg = f"clip says {_text(said)}, its graph takes {_text(taken[1:])}"
        raise ValueError(msg)
    if taken is None or clip.downsample > _LARGEST_STRIDE:
        msg = "its graph takes no clips of one size, or clip says too long a stride"
        raise ValueError(msg)
    if given is None or given[1:] != (len(labels),):
        count = _text(given[1:]) if given else "something else"
        msg = f"labels names {len(labels)} classes, its graph gives {count}"
        raise ValueError(msg)


def _shape(values: Any) -> tuple[int, ...] | None:
    """Return the shape of the one input or output; the free dimension counts as 0."""
    if len(values) != 1:
        return None
    return tuple(int(dim.dim_value) for dim in values[0].type.tensor_type.shape.dim)


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
