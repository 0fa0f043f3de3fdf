"""A whole search on tiny videos: trials, finalists, report; ended and begun again; impossible."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import mlflow
import pytest
from prepared_networks import network_for

from vcc.config.data import PrepareOptions
from vcc.config.entrypoints import SearchEntry
from vcc.config.training import TrainingOptions
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ScheduleError
from vcc.export.providers.openvino import OpenVino
from vcc.models.checkpoint import save_checkpoint
from vcc.pipeline.card import Network
from vcc.pipeline.commands.search import run_search
from vcc.pipeline.train.epochs import train_epochs
from vcc.tracking.silent import SilentRun


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SearchEntry:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    # In float: a network of so few clips answers too vaguely for its integers to agree.
    monkeypatch.setattr(OpenVino, "int8_target", None)
    data = PrepareOptions(
        motion_classes=2,
        motion_clips=1,
        motion_frames=8,
        motion_width=32,
        motion_height=32,
        short_side=20,
        n_jobs=1,
    )
    dataset = PreparedDataset.open(prepare(data).root)
    dense = network_for(dataset)
    # Trained a little: a network that names one class for all is refused when it is exported.
    card = dataclasses.replace(
        dense.card, training=TrainingOptions(n_epochs=8, optimizer="adamw", learning_rate=0.003)
    )
    dense = Network(model=dense.model, card=card)
    train_epochs(dense, dataset, epochs=(0, 8), callbacks=[], run=SilentRun(), span=8)
    save_checkpoint(Path("dense"), dense.model, dense.card.as_metadata())
    return SearchEntry(
        source="dense",
        target_macs=0.5,
        provider="openvino",
        trials=2,
        trial_videos=8,
        finalists=1,
        final_epochs=3,
        n_threads=0,
        no_cuda=True,
    )


@pytest.mark.slow
def test_a_search_finds_reports_registers_and_goes_on(
    options: SearchEntry, capsys: pytest.CaptureFixture[str]
) -> None:
    run_search(options)
    said = capsys.readouterr().out
    assert "estimate: " in said
    assert re.search(r"registered models:/\S+ as challenger", said)
    (folder,) = Path("searches").iterdir()
    report = (folder / "report.md").read_text()
    assert "Compressed in full" in report
    assert {path.name for path in folder.iterdir()} >= {"front.csv", "front.png", "trials.csv"}
    schedules = sorted((folder / "schedules").iterdir())
    assert schedules
    trials = (folder / "trials.csv").read_text().splitlines()
    run_search(dataclasses.replace(options, trials=3))
    more = (folder / "trials.csv").read_text().splitlines()
    assert more[: len(trials)] == trials
    assert len(more) == len(trials) + 1
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    names = [run.info.run_name for run in runs]
    assert sum(name.startswith("trial ") for name in names) == len(more) - 1
    assert sum(name.startswith("search ") for name in names) == 1


@pytest.mark.slow
def test_an_impossible_target_is_said_before_any_trial(options: SearchEntry) -> None:
    impossible = dataclasses.replace(options, target_macs=None, target_latency_ms=1e-6)
    with pytest.raises(ScheduleError, match="target_latency_ms: 1e-06 cannot be met: .* smallest"):
        run_search(impossible)
    assert not list(Path("searches").glob("*/optuna.db"))
