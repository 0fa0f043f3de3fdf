"""Options of optimisation and of the machine it runs on; names and defaults are the thesis's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vcc.config.options import Options, option
from vcc.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """How a network is optimised."""

    n_epochs: int = option(1, "passes over the training videos", at_least=1)
    optimizer: str = option("sgd", "update rule", choices=("sgd", "adamw"))
    learning_rate: float = option(0.04, "initial (one-cycle: largest) learning rate", above=0)
    lr_scheduler: str = option(
        "multistep",
        "how the learning rate falls",
        choices=("multistep", "step", "onecycle", "cosine", "plateau", "constant"),
    )
    lr_step_epochs: int = option(30, "step: epochs between two divisions by 10", at_least=1)
    lr_steps: tuple[int, ...] = option(
        (40, 55, 65, 70, 200, 250), "multistep: epochs after which it is divided by 10", at_least=1
    )
    lr_warmup_epochs: int = option(
        0, "cosine: epochs in which the rate first rises linearly", at_least=0
    )
    lr_patience: int = option(10, "plateau: epochs without a better dev loss", at_least=0)
    momentum: float = option(0.9, "sgd: momentum", at_least=0, at_most=1)
    dampening: float = option(0.9, "sgd: dampening of the momentum", at_least=0, at_most=1)
    nesterov: bool = option(False, "sgd: Nesterov momentum (its dampening is then 0)")
    weight_decay: float = option(1e-3, "L2 penalty of the optimizer", at_least=0)
    gradient_clip: float = option(0.0, "largest gradient norm; 0 does not clip", at_least=0)
    accumulate: int = option(1, "batches whose gradients make one optimizer step", at_least=1)
    label_smoothing: float = option(
        0.0, "share of each label spread over all classes", at_least=0, at_most=0.99
    )
    mixup_alpha: float = option(
        0.0, "mixup: both parameters of its beta distribution; 0 does not mix", at_least=0
    )
    class_weights: str = option(
        "none",
        "weight of a class in the loss; balanced: inverse to its training videos",
        choices=("none", "balanced"),
    )
    ema_decay: float = option(
        0.0, "train: decay of averaged weights per step; 0 keeps no average", at_least=0, at_most=1
    )
    early_stopping: int = option(
        0, "train: stop after this many epochs without a lower dev loss; 0 does not", at_least=0
    )
    no_val: bool = option(
        False, "train: leave the dev videos alone and keep the last epoch's weights"
    )
    train_precision: str = option(
        "fp32",
        "train: number format; auto: the fastest right one and memory layout, measured first",
        choices=("fp32", "bf16", "fp16", "auto"),
    )
    compile: bool = option(False, "train: compile the network by torch.compile first")
    no_cuda: bool = option(False, "stay on the CPU even where there is a GPU")
    devices: int = option(
        0, "processes per machine (GPUs, or on the CPU); 0: torchrun's or SLURM's, or 1", at_least=0
    )
    num_nodes: int = option(0, "machines; 0: torchrun's or SLURM's, or 1", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.no_val and (self.early_stopping or self.lr_scheduler == "plateau"):
            msg = "no_val: early_stopping and lr_scheduler=plateau look at the dev loss: drop one"
            raise ConfigError(msg)


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(Options):
    """When a training writes the state that it could resume from, and which one it resumes."""

    resume_path: Path | None = option(
        None,
        "resume this interrupted training: its last.ckpt or the folder that holds it",
        is_input=True,
    )
    checkpoint: int = option(
        10, "epochs between two writings of last.ckpt (or ten minutes, if sooner)", at_least=1
    )


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(Options):
    """Which weights a training starts from, and which of them it changes."""

    pretrain_path: Path | None = option(
        None,
        "weights to start from: a published .pth file, the name of torchvision's "
        "(KINETICS400_V1), or a checkpoint folder",
    )
    n_classes: int | None = option(
        None, "number of classes, of pretrain_path or else of the data", at_least=2
    )
    n_finetune_classes: int | None = option(
        None, "replace the head of pretrain_path by a fresh one of the data's classes", at_least=2
    )
    no_train: bool = option(False, "take the weights of pretrain_path as they are")
    ft_portion: str = option(
        "complete", "what trains: complete, last_layer, or from:LAYER for that layer and the rest"
    )
