"""One rank of a distributed training by schedules: python distributed_rank.py RANK STORE OUT.

Each rank sees other clips, so gradients, activations and ranges differ between them. What each
rank ends with goes to OUT, for the test to compare.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from toy_training import CLIP, Training, pruned_by

from vcc.models.quantized.plan import activation_quantizers
from vcc.training.processes import leave_group

CONVOLUTIONS = ["conv1.weight", "conv2.weight"]
RANKED = {"group_type": "Filters", "desired_sparsity": 0.5, "weights": CONVOLUTIONS}
CASES: dict[str, dict[str, Any]] = {
    "agp": pruned_by(
        {
            "class": "AutomatedGradualPruner",
            "initial_sparsity": 0.2,
            "final_sparsity": 0.7,
            "weights": ["*"],
        }
    ),
    "gradients": pruned_by({"class": "GradientRankedFilterPruner", **RANKED}),
    "activations": pruned_by({"class": "ActivationMeanRankedFilterPruner", **RANKED}),
    "lasso": {
        "regularizers": {
            "lasso": {
                "class": "GroupLassoRegularizer",
                "reg_regims": {"conv2.weight": [0.05, "3D"]},
                "threshold_criteria": "Mean_Abs",
            }
        },
        "policies": [
            {
                "regularizer": {"instance_name": "lasso", "args": {"keep_mask": True}},
                "epochs": [0, 1],
            }
        ],
    },
}


def quantized_by(name: str, **args: Any) -> dict[str, Any]:
    """Return a schedule of one quantizer."""
    return {
        "quantizers": {"quantizer": {"class": name, "bits_activations": 8, **args}},
        "policies": [{"quantizer": {"instance_name": "quantizer"}, "epochs": [0, 1]}],
    }


def ranges(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the range of each activation quantizer."""
    found = activation_quantizers(model)
    return {name: torch.stack([each.low, each.high]) for name, each in found.items()}


def train(case: str, rank: int, *, together: bool) -> dict[str, Any]:
    """Train two epochs; without DDP each rank goes its own way, but for the masks."""
    wrap = DistributedDataParallel if together else (lambda model: model)
    training = Training(CASES[case], rank=rank, wrap=wrap)
    training.run(2)
    return {
        "masks": {
            name: mask for name, mask in training.scheduler.masks.items() if mask is not None
        },
        "gradient": training.model.get_parameter("conv1.weight").grad,
    }


def quantize(schedule: dict[str, Any], rank: int) -> dict[str, Any]:
    """Quantize; each rank calibrates on, or trains with, clips of its own."""

    def calibration() -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(rank)
        return [torch.randn(2, *CLIP, generator=generator) * (1 + rank)]

    options = {"example_input": torch.zeros(2, *CLIP), "calibration": calibration}
    training = Training(schedule, rank=rank, options=options)
    training.run(2)
    return {"ranges": ranges(training.model)}


def main() -> None:
    rank, store, out = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    found: dict[str, Any] = {}
    for case in CASES:
        found[case] = train(case, rank, together=False)
    found["under DDP"] = train("gradients", rank, together=True)
    found["qat"] = quantize(
        quantized_by("QuantAwareTrainRangeLinearQuantizer", bits_weights=8, ema_decay=0.9), rank
    )
    found["ptq"] = quantize(quantized_by("PostTrainLinearQuantizer"), rank)
    torch.save(found, out)
    # Together: one that goes first takes the connection from the other.
    leave_group()


if __name__ == "__main__":
    main()
