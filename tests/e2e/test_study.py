"""A whole study on tiny videos: what is finished is never computed again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from vcc.config.entrypoints import StudyEntry
from vcc.errors import StudyError
from vcc.evaluation.study.results import read_result
from vcc.pipeline.commands.study import run_study

MATRIX = """
name: tiny
data: {dataset: tiny, motion_classes: 2, motion_clips: 1, motion_frames: 8, motion_width: 48,
       motion_height: 36, short_side: 32, n_jobs: 1}
seeds: [1]
speed: {sample_size: 32, sample_duration: 8, latency_runs: 5}
models:
  small:
    network: {model: resnet, model_depth: 10, width_mult: 0.0625}
    clip: {sample_size: 24, sample_duration: 8, batch_size: 16}
    training: {n_epochs: 1, optimizer: adamw, learning_rate: 0.001, lr_scheduler: constant}
methods:
  ptq: {compression_type: [ptq]}
"""
BROKEN = "  broken: {schedule: broken.yaml}\n"


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyEntry:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    Path("matrix.yaml").write_text(MATRIX)
    Path("broken.yaml").write_text(
        "pruners: {p: {class: SensitivityPruner, sensitivities: {no.such.weight: 0.5}}}\n"
        "policies: [{pruner: {instance_name: p}, epochs: [0]}]\n"
    )
    return StudyEntry(matrix=Path("matrix.yaml"))


@pytest.mark.slow
def test_a_study_goes_on_where_it_stopped(
    options: StudyEntry, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("results/study/tiny")
    run_study(dataclasses.replace(options, networks_only=True))
    assert not folder.exists()
    markers = sorted(Path("data/study_networks/tiny").glob("*.settings"))
    assert [marker.stem for marker in markers] == ["small.dense.s1", "small.ptq.s1"]
    capsys.readouterr()
    run_study(options)
    said = capsys.readouterr().out
    assert "2 cells: 0 are in results/study/tiny, 2 to compute" in said
    assert "estimate: " in said
    dense, compressed = (
        read_result(folder / f"small.{method}.s1.json") for method in ("dense", "ptq")
    )
    # 2 classes x 7 test groups x 1 video; the dense file is scored again beside the other
    assert len(dense.right) == len(compressed.right) == 14
    assert compressed.dense_right == dense.right
    # The networks were there already: their training is not this run's.
    assert [dense.training_s, compressed.training_s] == [
        float(marker.read_text().split()[1]) for marker in markers
    ]
    assert compressed.size_bytes < dense.size_bytes
    assert {row.network for row in compressed.timings} == {"dense", "compressed"}
    page = (folder / "tiny.html").read_text()
    assert "small ptq" in page
    assert compressed.run_id in page
    assert "only=small.ptq.s1" in compressed.command

    # What is there stays, what is gone or was made by other settings is computed again.
    kept = (folder / "small.dense.s1.json").read_bytes()
    (folder / "small.ptq.s1.json").unlink()
    Path("matrix.yaml").write_text(MATRIX + BROKEN)
    with pytest.raises(StudyError, match=r"1 of 2 cells failed: small.broken.s1: .*no.such.weight"):
        run_study(options)
    assert "3 cells: 1 are in results/study/tiny, 2 to compute" in capsys.readouterr().out
    assert (folder / "small.dense.s1.json").read_bytes() == kept
    again = read_result(folder / "small.ptq.s1.json")
    # of the same networks, which lie in the data folder
    assert again.right == compressed.right
    assert "small.broken.s1" in (folder / "tiny.md").read_text()

    Path("matrix.yaml").write_text(MATRIX.replace("n_epochs: 1", "n_epochs: 2"))
    run_study(StudyEntry(matrix=Path("matrix.yaml"), estimate_only=True))
    said = capsys.readouterr().out
    assert "2 cells: 0 are in results/study/tiny, 2 to compute" in said
    assert json.loads((folder / "small.ptq.s1.json").read_text())["run_id"] == again.run_id


@pytest.mark.slow
def test_folds_hold_every_video_once(options: StudyEntry) -> None:
    Path("matrix.yaml").write_text(
        MATRIX.replace("seeds: [1]", "folds: 2").replace(
            "methods:\n  ptq: {compression_type: [ptq]}", ""
        )
    )
    run_study(options)
    folder = Path("results/study/tiny")
    videos = [len(read_result(folder / f"small.dense.f{n}.json").right) for n in (1, 2)]
    # 2 classes x 25 groups x 1 video
    assert sum(videos) == 50
    report = (folder / "tiny.md").read_text()
    assert "On the same 50 videos, always naming the largest class scores" in report


@pytest.mark.slow
def test_official_splits_are_repeats_and_times_come_later(options: StudyEntry) -> None:
    """As ucf9.yaml: weights from a file, a method for some models, a control on single frames."""
    folder = Path("results/study/tiny")
    run_study(dataclasses.replace(options, networks_only=True, only=("small.dense.s1",)))
    weights = "data/study_networks/tiny/small.dense.s1"
    Path("matrix.yaml").write_text(
        MATRIX[: MATRIX.index("methods:")].replace("seeds: [1]", "splits: [1, 3]")
        + f"    finetune: {{pretrain_path: {weights}, n_finetune_classes: 2}}\n"
        "  frame:\n"
        "    network: {model: mobilenet, width_mult: 0.25}\n"
        "    clip: {sample_size: 24, sample_duration: 1, downsample: 8, batch_size: 16}\n"
        "    training: {n_epochs: 1, optimizer: adamw, learning_rate: 0.001}\n"
        "methods:\n"
        "  pruned: {schedule: pruned.yaml, n_epochs: 1, models: [small]}\n"
    )
    Path("pruned.yaml").write_text(
        "pruners: {p: {class: SensitivityPruner, sensitivities: {'*': 0.5}}}\n"
        "policies: [{pruner: {instance_name: p}, epochs: [0]}]\n"
    )
    computed = ("split1", "frame.dense.split3")
    run_study(dataclasses.replace(options, accuracy_only=True, only=computed))
    names = [
        "frame.dense.split1",
        "frame.dense.split3",
        "small.dense.split1",
        "small.pruned.split1",
    ]
    assert sorted(path.stem for path in folder.glob("*.json")) == names
    results = [read_result(folder / f"{name}.json") for name in names]
    assert {len(result.groups.split()) for result in results} == {14}
    assert {result.timings for result in results} == {()}
    assert "pooled over the splits" in (folder / "tiny.md").read_text()
    run_study(dataclasses.replace(options, only=(names[3],)))
    timed = read_result(folder / f"{names[3]}.json")
    assert timed.timings
    assert dataclasses.replace(timed, timings=(), machine=results[3].machine) == results[3]
    assert not read_result(folder / f"{names[2]}.json").timings
