"""What a training checks before it begins, and what it leaves behind."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from training_runs import CLIP, MODEL, TRAINING, RecordingRun, tiny_dataset

from vcc.config.training import FinetuneOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.models import build_model
from vcc.models.checkpoint import save_checkpoint
from vcc.pipeline.train.step import train_step


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return tiny_dataset(tmp_path_factory.mktemp("train"))


def test_the_given_number_of_classes_is_the_file_s_where_its_head_is_replaced(
    dataset: PreparedDataset, tmp_path: Path
) -> None:
    weights = tmp_path / "kinetics"
    made = build_model(
        "mobilenetv2", n_classes=5, sample_size=24, sample_duration=4, width_mult=0.125
    )
    save_checkpoint(weights, made, {})
    finetune = FinetuneOptions(pretrain_path=weights, n_classes=400, n_finetune_classes=2)
    with pytest.raises(ConfigError, match="n_classes: 400 asked for, but .* has 5 classes"):
        train_step(
            dataset,
            model=MODEL,
            clip=CLIP,
            training=TRAINING,
            run=RecordingRun(),
            finetune=finetune,
        )


def test_a_training_leaves_pictures_of_what_it_learned(dataset: PreparedDataset) -> None:
    run = RecordingRun()
    options = dataclasses.replace(TRAINING, n_epochs=1, ema_decay=0.0, mixup_alpha=0.0)
    train_step(dataset, model=MODEL, clip=CLIP, training=options, run=run)
    names = {"curves.png", "dev_confusion.png", "dev_per_class.png", "dev_worst.png"}
    assert names <= set(run.files["training"])
    assert run.files["training"]["dev_worst.png"].startswith(b"\x89PNG")
    history = json.loads(run.files["training"]["history.json"])
    assert history["0"]["train_loss"] == run.figures[0]["train_loss"]
    rows = run.files["training"]["dev_predictions.csv"].decode().splitlines()
    assert len(rows) == 1 + len(dataset.videos("dev"))
