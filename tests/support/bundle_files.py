"""A file of mean colours that says how videos are fed to it, and the bundles made of it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import onnx
import pytest
from mean_graph import write_mean_graph

from vcc.config.data import ClipOptions
from vcc.config.export import BUNDLES
from vcc.export.served_facts import served_facts

LABELS = ("red light", "green", "blue")
SHORT_SIDE = 12
FRAMES, SIZE = 2, 8


def write_served_graph(path: Path, *, fps: float = 0, **clip: Any) -> Path:
    """Write the file; `clip` are options of its clips, beside their size."""
    write_mean_graph(path)
    model = onnx.load(str(path))
    for place, length in zip((1, 2, 3, 4), (3, FRAMES, SIZE, SIZE), strict=True):
        model.graph.input[0].type.tensor_type.shape.dim[place].dim_value = length
    options = ClipOptions(sample_duration=FRAMES, sample_size=SIZE, **clip)
    said = {
        "arch": "a net-1",
        "labels": LABELS,
        "clip": options.as_dict(),
        "stored_frames": {"short_side": SHORT_SIDE, "store": "raw", "fps": fps},
    }
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in said.items()})
    onnx.save(model, str(path))
    return path


def bundled(name: str, file: Path, folder: Path) -> Path:
    """Return the folder of a bundle without its model card."""
    folder.mkdir()
    BUNDLES.get(name)().write(file, served_facts(file), folder)
    return folder


def script_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what a bundle's script defines; it is given no video."""
    monkeypatch.setattr("sys.argv", ["infer.py"])
    return runpy.run_path(str(folder / "infer.py"))
