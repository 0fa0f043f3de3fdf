"""A tiny exported file with everything a video classifier reads from it, alone and registered."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow
import torch
from export_toys import CLIP_SHAPE, ToyClassifier
from tracking_servers import free_port, running, wait_for

from vcc.config.data import ClipOptions
from vcc.config.serving import ServingOptions
from vcc.export.onnx_file import export_onnx, load_graph
from vcc.tracking.registry import Version, register_onnx, register_video, set_alias

LABELS = ("a", "b", "c", "d", "e")
SHORT_SIDE = 12
NAME = "vcc-toy-motion"
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


def register_toy(folder: Path, **limits: float) -> tuple[Version, Version]:
    """Register the toy in a new tracking database in `folder` as the champion of NAME.

    Args:
        folder: for the database and the artifacts.
        limits: ServingOptions of the model that takes a video.

    Returns:
        The versions of the raw graph and of the model that takes a video.
    """
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment(
        experiment_id=mlflow.create_experiment("toy", artifact_location=str(folder / "artifacts"))
    )
    path = export_toy(folder)
    tags = {"export_id": "toy"}
    config = {"provider": "cpu", "threads": 1, **ServingOptions(**limits).as_dict()}
    graph = register_onnx(
        load_graph(path),
        name=f"{NAME}-onnx",
        clip_shape=CLIP_SHAPE,
        n_classes=len(LABELS),
        tags=tags,
    )
    video = register_video(path, name=f"{NAME}-video", model_config=config, tags=tags)
    for version in (graph, video):
        set_alias(version, "champion")
    return graph, video


@contextlib.contextmanager
def toy_registered(folder: Path, **limits: float) -> Iterator[tuple[Version, Version]]:
    """Register the toy as `register_toy` does, and go back to the former tracking database."""
    before = mlflow.get_tracking_uri()
    environment = dict(os.environ)
    try:
        yield register_toy(folder, **limits)
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.clear()
        os.environ.update(environment)


@contextlib.contextmanager
def served(
    model: str, folder: Path, *, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Serve a registered model of the database in `folder` and give the address.

    Args:
        model: `models:/...`.
        folder: as for `register_toy`; the server logs there.
        environment: further variables.
    """
    port = free_port()
    words = ["models", "serve", "-m", model, "--env-manager", "local"]
    words += ["--host", "127.0.0.1", "--port", str(port), "--timeout", "60"]
    variables = {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "OMP_NUM_THREADS": "1",
        **(environment or {}),
    }
    log = folder / f"{port}.log"
    with running("mlflow", *words, log=log, env=variables) as process:
        wait_for(f"http://127.0.0.1:{port}/ping", process, log)
        yield f"http://127.0.0.1:{port}"
