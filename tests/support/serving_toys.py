"""A tiny exported file with everything a video classifier reads from it."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import torch
from export_toys import CLIP_SHAPE, ToyClassifier

from vcc.config.data import ClipOptions
from vcc.export.onnx_file import export_onnx

LABELS = ("a", "b", "c", "d", "e")
SHORT_SIDE = 12
CLIP = ClipOptions(sample_size=CLIP_SHAPE[2], sample_duration=CLIP_SHAPE[1])


def toy_classifier() -> ToyClassifier:
    """Return the network of `export_toy`, with weights that tell videos apart."""
    torch.manual_seed(0)
    toy = ToyClassifier().eval()
    with torch.no_grad():
        toy.linear.weight.mul_(20)
    return toy


def export_toy(folder: Path) -> Path:
    """Write the toy as `folder/toy.onnx` and return that path."""
    path = folder / "toy.onnx"
    path.write_bytes(_exported_toy())
    return path


@functools.cache
def _exported_toy() -> bytes:
    # Once per process: the exporter takes seconds.
    with tempfile.TemporaryDirectory() as folder:
        return _export(Path(folder) / "toy.onnx").read_bytes()


def _export(path: Path) -> Path:
    metadata = {
        "labels": list(LABELS),
        "clip": CLIP.as_dict(),
        "stored_frames": {"short_side": SHORT_SIDE, "store": "raw"},
    }
    return export_onnx(
        toy_classifier(),
        path,
        clip_shape=CLIP_SHAPE,
        opset=20,
        metadata=metadata,
    )
