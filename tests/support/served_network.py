"""A small network with prepared data, exported and registered as `export` does, and served."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import torch
from data_videos import prepare_tree, write_tree
from databases import new_database
from decoded import read_video
from limits import HANG_S
from torch import nn
from tracking_servers import free_port, running, wait_for

from vcc.config.data import ClipOptions
from vcc.config.export import ExportOptions
from vcc.config.serving import ServingOptions
from vcc.config.training import TrainingOptions
from vcc.data.clips.loaders import video_loader
from vcc.data.clips.normalisation import PixelNormalisation
from vcc.data.store.prepared import PreparedDataset
from vcc.models import build_model
from vcc.models.checkpoint import save_checkpoint
from vcc.pipeline.card import Network, card_of
from vcc.pipeline.export.record import register_exported
from vcc.pipeline.export.step import export_networks
from vcc.tracking.registry import VIDEO_SUFFIX, Version
from vcc.tracking.versions_together import graph_version, versions_together

LABELS = ("jump", "run", "walk")
SHORT_SIDE = 20
LIMITS = ServingOptions(max_video_mib=2.0, max_video_frames=300, max_videos=3)
_CLIP = ClipOptions(sample_size=16, sample_duration=4, n_threads=0)


@dataclass(frozen=True, kw_only=True)
class Registered:
    """Everything of one network, and where it is tracked.

    Attributes:
        folder: holds `videos`, `data`, `mlflow.db` and the rest.
        dataset: the videos in a raw store, of whose frames no pixel differs from the files'.
        network: random, but it tells videos apart.
        checkpoint: its checkpoint folder.
        onnx: its exported file.
        graph: the registered version of that.
        video: the registered version that takes a video; both are champions.
    """

    folder: Path
    dataset: PreparedDataset
    network: Network
    checkpoint: Path
    onnx: Path
    graph: Version
    video: Version

    @property
    def tracking_uri(self) -> str:
        """The tracking database."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def scores(self, video: Path) -> np.ndarray:
        """Return [C] scores of a video file, by PyTorch on all of its frames at once."""
        clips = self.network.card.protocol.clips(read_video(video, SHORT_SIDE))
        with torch.inference_mode():
            found: np.ndarray = self.network.classifier()(clips).softmax(1).mean(0).numpy()
        return found


@contextlib.contextmanager
def tracking(uri: str) -> Iterator[None]:
    """Track into a database meanwhile."""
    before, environment = mlflow.get_tracking_uri(), dict(os.environ)
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.clear()
        os.environ.update(environment)


def registered_network(folder: Path) -> Registered:
    """Prepare, export and register in a new tracking database in `folder`, an empty one."""
    with tracking(new_database(folder)):
        mlflow.create_experiment("toy", artifact_location=str(folder / "artifacts"))
        mlflow.set_experiment("toy")
        return _register(folder, LIMITS)


def _register(folder: Path, serving: ServingOptions) -> Registered:
    write_tree(folder / "videos", labels=LABELS, frames=9)
    dataset = prepare_tree(
        folder, store="raw", short_side=SHORT_SIDE, output=folder / "data" / "toy"
    )
    network = _network(dataset)
    checkpoint = save_checkpoint(
        folder / "checkpoint", network.model, metadata=network.card.as_metadata()
    )
    exported = export_networks(
        {"dense": network},
        dataset,
        ExportOptions(provider="cpu", latency_runs=5, latency_warmup=0, latency_threads=1),
        folder=folder,
        n_threads=0,
    )["dense"]
    version = register_exported(
        exported, checkpoint=None, tags={}, serving=serving, aliases=("champion",)
    )
    return Registered(
        folder=folder,
        dataset=dataset,
        network=network,
        checkpoint=checkpoint,
        onnx=exported.path,
        graph=graph_version(version),
        video=versions_together(version)[VIDEO_SUFFIX],
    )


def _network(dataset: PreparedDataset) -> Network:
    torch.manual_seed(0)
    model = build_model(
        "resnet",
        n_classes=len(LABELS),
        sample_size=_CLIP.sample_size,
        sample_duration=_CLIP.sample_duration,
        model_depth=10,
        width_mult=0.125,
    )
    card = card_of(
        dataset,
        arch="resnet10b-0.125",
        clip=_CLIP,
        training=TrainingOptions(),
        normalisation=PixelNormalisation(mean=(120.0, 125.0, 130.0), std=(60.0, 61.0, 62.0)),
    )
    network = Network(model=model.eval(), card=card)
    # Far from each other and around zero, so that videos get different labels.
    (head,) = [module for module in model.modules() if isinstance(module, nn.Linear)]
    batch = next(iter(video_loader(dataset, "test", card.protocol, n_threads=0)))
    with torch.no_grad():
        head.weight.mul_(200)
        head.bias.sub_(network.classifier()(batch.clips).mean(0))
    return network


@contextlib.contextmanager
def served(model: str, registered: Registered | Path) -> Iterator[str]:
    """Run `mlflow models serve` on a free port and give the address.

    Args:
        model: `models:/...`.
        registered: what is tracked where, or the folder of `mlflow.db`.
    """
    folder = registered if isinstance(registered, Path) else registered.folder
    port = free_port()
    words = ["models", "serve", "-m", model, "--env-manager", "local"]
    words += ["--host", "127.0.0.1", "--port", str(port), "--timeout", str(int(HANG_S))]
    variables = {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "OMP_NUM_THREADS": "1",
    }
    log = folder / f"{port}.log"
    with running("mlflow", *words, log=log, env=variables) as process:
        wait_for(f"http://127.0.0.1:{port}/ping", process, log)
        yield f"http://127.0.0.1:{port}"
