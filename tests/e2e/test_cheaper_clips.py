"""Cheaper clips alone: a network compressed by them, evaluated, exported, promoted and served."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pandas as pd
import pytest
import torch
from decoded import read_video
from tiny_compression import tiny_baseline, tiny_dataset

from vcc.config.entrypoints import CompressEntry, EvaluateEntry, ExportEntry, PromoteEntry
from vcc.pipeline.commands.compress import run_compress
from vcc.pipeline.commands.evaluate import run_evaluate
from vcc.pipeline.commands.export import run_export
from vcc.pipeline.commands.promote import run_promote
from vcc.pipeline.evaluate.step import size_figures
from vcc.pipeline.register import register_network
from vcc.pipeline.source import fetch_network
from vcc.tracking.registry import get_version
from vcc.tracking.runs import connect

NAME = "vcc-resnet10b-0.125-motion"
SCHEDULE = "clips: {sample_duration: x0.5, downsample: x2}\npolicies: []\n"
GATE = """
drop_from_dense: 1.0
drop_from_champion: 1.0
speedup: null
above_largest_class: false
latency_runs: 5
latency_warmup: 0
latency_threads: 1
"""


@pytest.mark.slow
def test_they_hold_from_compression_to_the_served_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    connect()
    dataset = tiny_dataset(Path("data"))
    baseline = tiny_baseline(dataset, "resnet")
    register_network(baseline, alias="baseline", tags={}, metrics=size_figures(baseline))
    Path("half.yaml").write_text(SCHEDULE)
    Path("gate.yaml").write_text(GATE)

    run_compress(CompressEntry(schedule=Path("half.yaml"), n_epochs=1, no_cuda=True, n_threads=0))
    assert "clip       4x24x24 -> 2x24x24 stride 2" in capsys.readouterr().out
    version = get_version(f"models:/{NAME}@challenger")
    assert "clip 2x24x24 stride 2" in version.tags["lineage"]
    made = fetch_network(version)
    assert made.card.protocol.text == "2x24x24 stride 2"

    run_evaluate(EvaluateEntry(alias="challenger", no_cuda=True, n_threads=0))
    assert "clips of 2x24x24 stride 2; the dense network's are 4x24x24" in capsys.readouterr().out

    run_export(
        ExportEntry(
            alias="challenger",
            n_threads=0,
            provider="cpu",
            latency_runs=5,
            latency_warmup=0,
            latency_threads=1,
            latency_table=False,
        )
    )
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    cells = {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}
    assert cells["clip"] == ["4x24x24", "2x24x24 stride 2"]
    # videos of 5 frames in windows of 4
    assert cells["clips per test video"] == ["2.00", "2.00"]

    run_promote(PromoteEntry(gate=Path("gate.yaml"), n_threads=0))
    assert f"champion: models:/{NAME}-video/" in capsys.readouterr().out
    served = mlflow.pyfunc.load_model(f"models:/{NAME}-video@champion")
    video = next(path for path in Path("data/motion/videos").rglob("*") if path.suffix == ".avi")
    (answer,) = served.predict(pd.DataFrame({"video": [video.read_bytes()]}))
    frames = read_video(video, dataset.manifest.short_side)
    clips = made.card.protocol.clips(frames)
    assert answer["clips"] == len(clips) == 2
    with torch.inference_mode():
        expected = made.classifier().eval()(clips).softmax(1).mean(0)
    assert answer["scores"] == pytest.approx(sorted(expected.tolist(), reverse=True), abs=1e-4)
