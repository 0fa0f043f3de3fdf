"""How many processes train together: torchrun's, SLURM's, or those that Lightning starts itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch.distributed as dist
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from torch import nn

from vcc.config.training import TrainingOptions
from vcc.errors import ConfigError

# Who starts processes tells each its rank by one of these; the first that is set counts.
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


def is_first_process(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether this process is the one that speaks to MLflow and to people.

    It can be asked before anything distributed has begun.
    """
    if "RANK" not in environment and environment.get("NODE_RANK", "0") != "0":
        return False
    return next((environment[name] for name in _RANKS if name in environment), "0") == "0"


def process_grid(
    options: TrainingOptions, environment: Mapping[str, str] = os.environ
) -> tuple[int, int]:
    """Return (processes per machine, machines) of a training.

    Args:
        options: what was asked for; 0 leaves it to torchrun or SLURM, and to 1 without them.
        environment: variables that torchrun or SLURM set.

    Raises:
        ConfigError: another number was asked for than torchrun or SLURM started.
    """
    launched = _launched(environment)
    if launched is None:
        return options.devices or 1, options.num_nodes or 1
    who, per_machine, machines = launched
    for name, asked, found in (
        ("devices", options.devices, per_machine),
        ("num_nodes", options.num_nodes, machines),
    ):
        if asked not in (0, found):
            msg = f"{name}: {asked} asked for, but {who} started {found}: leave {name} out"
            raise ConfigError(msg)
    return per_machine, machines


def require_one_process(options: TrainingOptions) -> None:
    """Refuse several processes where every one of them would do everything.

    Raises:
        ConfigError: torchrun or SLURM started several, or the options ask for them.
    """
    per_machine, machines = process_grid(options)
    if per_machine * machines > 1 or not is_first_process():
        msg = (
            "compress, the pipeline and a cross-validation are one process: train in several with "
            "`-e train` (devices, num_nodes, torchrun or SLURM), then compress what it registered"
        )
        raise ConfigError(msg)


def trainer_settings(options: TrainingOptions, accelerator: str) -> dict[str, Any]:
    """Return the Trainer's arguments for the processes and their devices.

    Args:
        options: `devices` and `num_nodes`.
        accelerator: "gpu" or "cpu"; SyncBatchNorm needs a GPU.
    """
    per_machine, machines = process_grid(options)
    several = per_machine * machines > 1
    return {
        "accelerator": accelerator,
        "devices": per_machine,
        "num_nodes": machines,
        "strategy": "ddp" if several else "auto",
        # Statistics of all processes' clips: those of a few clips alone are too noisy.
        "sync_batchnorm": several and accelerator == "gpu",
    }


def leave_group() -> None:
    """End the processes' connection once all have trained: the first goes on alone."""
    if dist.is_available() and dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def cluster_plugins() -> list[Any]:
    """Return plugins that switch off Lightning's own requeueing under SLURM.

    It would save a second kind of checkpoint, in the middle of an epoch.
    """
    return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []


def restore_batchnorms(model: nn.Module) -> None:
    """Give BatchNorms their own class back after a training with SyncBatchNorm, in place.

    Lightning leaves a class that takes any number of dimensions, which neither exporters nor
    pruners know.
    """
    for module in model.modules():
        for name, child in module.named_children():
            strange = isinstance(child, nn.modules.batchnorm._BatchNorm) and not isinstance(
                child, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
            )
            if strange:
                setattr(module, name, _as_batchnorm3d(child))


def _as_batchnorm3d(module: nn.Module) -> nn.BatchNorm3d:
    norm: Any = module
    made = nn.BatchNorm3d(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
    )
    made.train(norm.training)
    # The very tensors: an optimizer or a mask may refer to them.
    made._parameters.update(norm._parameters)
    made._buffers.update(norm._buffers)
    return made


def _launched(environment: Mapping[str, str]) -> tuple[str, int, int] | None:
    """Return who started the processes, how many per machine, and on how many machines."""
    if "TORCHELASTIC_RUN_ID" in environment:
        per_machine = int(environment["LOCAL_WORLD_SIZE"])
        return "torchrun", per_machine, int(environment["WORLD_SIZE"]) // per_machine
    if "SLURM_NTASKS" in environment and SLURMEnvironment.detect():
        machines = int(environment.get("SLURM_NNODES", "1"))
        per_machine = int(environment["SLURM_NTASKS"]) // machines
        return "SLURM", per_machine, machines
    return None
