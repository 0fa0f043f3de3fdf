"""A matrix of a study of two models, as a file."""

from __future__ import annotations

from pathlib import Path

MATRIX = """
name: mine
data: {dataset: d, motion_classes: 3}
seeds: [4, 7]
models:
  a:
    network: {model: resnet, model_depth: 18}
    training: {n_epochs: 3, lr_steps: [2]}
  b: {network: {model: mobilenetv2}, finetune: {pretrain_path: start, n_finetune_classes: 3}}
methods:
  pruned: {compression_type: [ep], schedule: "schedules/{family}_x.yaml"}
  both: {compression_type: [qat, kd], after: pruned, teacher: a}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "matrix.yaml"
    path.write_text(text)
    return path
