"""Options of optimisation and of the machine it runs on; names and defaults are the thesis's."""

from __future__ import annotations

from dataclasses import dataclass

from vcc.config.options import Options, option


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """How a network is optimised."""

    n_epochs: int = option(1, "passes over the training videos", at_least=1)
    optimizer: str = option("sgd", "update rule", choices=("sgd", "adamw"))
    learning_rate: float = option(0.04, "initial (one-cycle: largest) learning rate", above=0)
    lr_scheduler: str = option(
        "multistep",
        "how the learning rate falls",
        choices=("multistep", "onecycle", "cosine", "plateau", "constant"),
    )
    lr_steps: tuple[int, ...] = option(
        (40, 55, 65, 70, 200, 250), "multistep: epochs after which it is divided by 10", at_least=1
    )
    lr_patience: int = option(10, "plateau: epochs without a better dev loss", at_least=0)
    momentum: float = option(0.9, "sgd: momentum", at_least=0, at_most=1)
    dampening: float = option(0.9, "sgd: dampening of the momentum", at_least=0, at_most=1)
    nesterov: bool = option(False, "sgd: Nesterov momentum (its dampening is then 0)")
    weight_decay: float = option(1e-3, "L2 penalty of the optimizer", at_least=0)
    gradient_clip: float = option(0.0, "largest gradient norm; 0 does not clip", at_least=0)
    no_cuda: bool = option(False, "stay on the CPU even where there is a GPU")
