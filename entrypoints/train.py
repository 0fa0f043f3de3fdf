"""Entry point `train`: a dense network, registered as the baseline."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import TrainEntry


def main(options: TrainEntry) -> None:
    """Train, register, and say what comes next."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.train import run_train

    run_train(options)


if __name__ == "__main__":
    run_entry_point(TrainEntry, main, name="train")
