"""A tiny compression in this process, or in one that kills itself at a chosen step."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any, cast

import torch
import yaml
from killing import die_at, run_until_killed
from tiny_compression import TRAINING, Recorded, tiny_baseline

import vcc.training.module
from vcc.config.compression import CompressionOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.compress.step import compress_step
from vcc.training.resume_checkpoint import CheckpointPlan

_RATES = {"class": "MultiStepMultiGammaLR", "milestones": [1, 3], "gammas": [0.5, 0.5]}
_FILTERS = {
    "class": "L1RankedStructureParameterPruner_AGP",
    "initial_sparsity": 0.2,
    "final_sparsity": 0.5,
    "group_type": "Filters",
    "group_dependency": "Coupled",
    "weights": ["type:Conv3d"],
}
_QAT = {
    "class": "QuantAwareTrainRangeLinearQuantizer",
    "bits_activations": 8,
    "bits_weights": 8,
    "bits_bias": None,
    "quant_target": "cpu",
    "ema_decay": 0.9,
}


def _range(subject: str, name: str, start: int, end: int, **args: Any) -> dict[str, Any]:
    inner: dict[str, Any] = {"instance_name": name, **({"args": args} if args else {})}
    return {subject: inner, "starting_epoch": start, "ending_epoch": end, "frequency": 1}


# epochs 0-1 prune, 2 fine-tunes the thinned network, 3-4 train its 8-bit copy
CHAIN = {
    "pruners": {"filters": _FILTERS},
    "extensions": {"thinner": {"class": "FilterRemover"}},
    "quantizers": {"int8": _QAT},
    "distillers": {"teacher": {"class": "KnowledgeDistillation"}},
    "lr_schedulers": {"rates": _RATES},
    "policies": [
        _range("pruner", "filters", 0, 2),
        {"extension": {"instance_name": "thinner"}, "epochs": [2]},
        _range("quantizer", "int8", 3, 5),
        _range("distiller", "teacher", 0, 5),
        _range("lr_scheduler", "rates", 0, 5),
    ],
}
PRUNING = {
    "pruners": {
        "elements": {
            "class": "SplicingPruner",
            "sensitivities": {"kind:hidden": 0.3},
            "low_thresh_mult": 0.9,
            "hi_thresh_mult": 1.1,
        }
    },
    "lr_schedulers": {"rates": {"class": "OneCycleLR", "max_lr": 0.01, "total_steps": 6}},
    "policies": [
        _range(
            "pruner", "elements", 0, 3, mask_on_forward_only=True, use_double_copies=True,
            keep_mask=True,
        ),
        _range("lr_scheduler", "rates", 0, 4),
    ],
}  # fmt: skip
PACT = {
    "quantizers": {
        "low": {
            "class": "PACTQuantizer",
            "bits_activations": 4,
            "bits_weights": 4,
            "act_clip_decay": 0.01,
        }
    },
    "lr_schedulers": {"rates": _RATES},
    "policies": [_range("quantizer", "low", 1, 4), _range("lr_scheduler", "rates", 0, 4)],
}
SCHEDULES: dict[str, dict[str, Any]] = {"chain": CHAIN, "pruning": PRUNING, "pact": PACT}


def compress_tiny(
    dataset: PreparedDataset,
    name: str,
    *,
    folder: Path | None = None,
    resume_from: Path | None = None,
    n_epochs: int | None = None,
) -> tuple[Network, Recorded]:
    """Compress the same untrained network; with a folder, write a checkpoint after each epoch."""
    torch.manual_seed(0)
    training = dataclasses.replace(TRAINING, optimizer="sgd" if name == "pruning" else "adamw")
    baseline = tiny_baseline(dataset, "resnet", training=training)
    file = (folder or Path(dataset.root)) / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(SCHEDULES[name]), encoding="utf-8")
    recipe = recipe_for(
        baseline,
        CompressionOptions(schedule=file),
        n_epochs=n_epochs,
        learning_rate=None,
        parent=None,
    )
    run, plan = Recorded(), None
    if folder is not None:
        plan = CheckpointPlan(folder=folder, every_n_epochs=1, resume_from=resume_from)
    network = compress_step(baseline, dataset, recipe, run=cast(Any, run), checkpoints=plan)
    return network, run


def compress_and_die(data: Path, folder: Path, name: str, *, at_step: int) -> None:
    """Compress in another process that kills itself after an optimizer step, counted from 1."""
    run_until_killed(__file__, str(data), str(folder), name, str(at_step))


def main() -> None:
    """Compress and die, as `compress_and_die` says."""
    data, folder, name, at_step = sys.argv[1:]
    torch.set_num_threads(1)
    die_at(vcc.training.module.ClassifierModule, "on_train_batch_end", int(at_step))
    compress_tiny(PreparedDataset.open(Path(data)), name, folder=Path(folder))


if __name__ == "__main__":
    main()
