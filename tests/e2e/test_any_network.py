"""Networks that were not written for this project, all the way: train, compress, ..., serve."""

from __future__ import annotations

import base64
import json
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from data_videos import prepare_tree, smooth_frames, write_video
from foreign import MODEL, PACKAGE, forget_foreign, install_foreign
from limits import HANG_S
from served_network import served

from vcc.config.entrypoints import (
    CompressEntry,
    ExportEntry,
    PredictEntry,
    PromoteEntry,
    TrainEntry,
)
from vcc.config.networks.trust import VARIABLE, trusting
from vcc.errors import ModelError
from vcc.pipeline.commands.compress import run_compress
from vcc.pipeline.commands.export import run_export
from vcc.pipeline.commands.predict import run_predict
from vcc.pipeline.commands.promote import run_promote
from vcc.pipeline.commands.train import run_train

LABELS = ("jump", "run", "walk")
GATE = """\
parity_videos: 2
above_largest_class: false
drop_from_dense: null
drop_from_champion: null
speedup: null
latency_runs: 5
latency_warmup: 0
latency_threads: 1
"""


@dataclass(frozen=True)
class Place:
    """Prepared videos, and where everything goes."""

    folder: Path

    @property
    def data(self) -> dict[str, Any]:
        """Options that most entry points share."""
        return {"root_path": self.folder / "data", "dataset": "toy", "n_threads": 0}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("any")
    for channel, label in enumerate(LABELS):
        for group in (1, 8, 9, 10):
            # A colour for each class: the gate refuses a network that gives all videos one label.
            frames = smooth_frames(9, seed=10 * channel + group) // 3
            frames[..., channel] += 160
            write_video(folder / "videos" / label / f"v_{label}_g{group:02d}_c01.avi", frames)
    prepare_tree(folder, store="raw", short_side=36, output=folder / "data" / "toy")
    return Place(folder)


@pytest.fixture(autouse=True)
def _package(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    install_foreign(tmp_path / "site", monkeypatch)
    yield
    forget_foreign(monkeypatch)


def train(place: Place, model: str, **options: Any) -> None:
    run_train(
        TrainEntry(
            model=model,
            n_epochs=20,
            batch_size=2,
            optimizer="adamw",
            learning_rate=5e-3,
            n_val_samples=1,
            no_cuda=True,
            **{"sample_size": 32, "sample_duration": 8, **place.data, **options},
        )
    )


def compress(place: Place, model: str, kind: str, **options: Any) -> None:
    run_compress(
        CompressEntry(
            model=model,
            compression_type=tuple(kind.split(",")),
            no_cuda=True,
            **place.data,
            **options,
        )
    )


def export_and_promote(place: Place, model: str, **options: Any) -> str:
    """Export the challenger, promote it and return the name of its served form."""
    run_export(
        ExportEntry(
            model=model,
            alias="challenger",
            provider="cpu",
            latency_runs=5,
            latency_warmup=0,
            latency_threads=1,
            latency_table=False,
            parity_videos=2,
            no_cuda=True,
            output=Path("exported"),
            **place.data,
            **options,
        )
    )
    gate = Path("gate.yaml")
    gate.write_text(GATE)
    run_promote(PromoteEntry(gate=gate, **place.data))
    names = [each.name for each in mlflow.MlflowClient().search_registered_models()]
    (video,) = [name for name in names if name.endswith("-video")]
    return video


def a_video(place: Place) -> Path:
    return sorted((place.folder / "videos" / "run").glob("*.avi"))[0]


def predicted(place: Place, video: str) -> str:
    """Return the best label of `a_video`, as `predict` says with a registered form."""
    run_predict(
        PredictEntry(
            videos=a_video(place),
            source=f"models:/{video}@champion",
            output=Path("predictions.csv"),
            threads=1,
        )
    )
    return str(pd.read_csv("predictions.csv")["label_1"].item())


@pytest.mark.slow
def test_a_package_s_network_from_training_to_serving(place: Place) -> None:
    arguments = '{"depth": 1, "width": 16}'
    with trusting([PACKAGE]):
        train(place, MODEL, model_args=arguments)
        compress(place, MODEL, "ep,ptq", n_epochs=9)
        video = export_and_promote(place, MODEL)
    assert video == f"vcc-{PACKAGE}.nets.make-depth1-width16-videos-video"

    # What follows needs the ONNX file alone.
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]
    best = predicted(place, video)
    assert best in LABELS
    model = mlflow.pyfunc.load_model(f"models:/{video}@champion")
    (answer,) = model.predict(pd.DataFrame({"video": [a_video(place).read_bytes()]}))
    assert answer["labels"][0] == best
    assert PACKAGE not in sys.modules

    with pytest.raises(ModelError, match=f"trust={PACKAGE}"):
        compress(place, MODEL, "ptq")
    assert PACKAGE not in sys.modules


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ep", "ptq", "qat"])
@pytest.mark.parametrize("model", ["torchvision:r3d_18", "torchvision:r2plus1d_18", MODEL])
def test_every_kind_of_compression(place: Place, model: str, kind: str, tmp_path: Path) -> None:
    with trusting([PACKAGE]):
        train(place, model)
        compress(place, model, kind)
        video = export_and_promote(place, model)
    best = predicted(place, video)
    body = {"inputs": {"video": [base64.b64encode(a_video(place).read_bytes()).decode()]}}
    with served(f"models:/{video}@champion", tmp_path) as address:
        request = urllib.request.Request(
            f"{address}/invocations",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=HANG_S) as reply:
            (answer,) = json.load(reply)["predictions"]
    assert answer["labels"][0] == best
