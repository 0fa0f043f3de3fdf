"""Entry point `prepare`: labelled videos to a frame store with splits."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import PrepareEntry


def main(options: PrepareEntry) -> None:
    """Prepare and say where the data lies."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.prepare import run_prepare

    run_prepare(options)


if __name__ == "__main__":
    run_entry_point(PrepareEntry, main, name="prepare")
