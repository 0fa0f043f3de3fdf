"""Entry point `sensitivity`: how much each layer can be pruned."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import SensitivityEntry


def main(options: SensitivityEntry) -> None:
    """Analyse a registered network."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.sensitivity import run_sensitivity

    run_sensitivity(options)


if __name__ == "__main__":
    run_entry_point(SensitivityEntry, main, name="sensitivity")
