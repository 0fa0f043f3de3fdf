"""Entry point `main`: everything, from videos to a registered compressed network."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import PipelineEntry


def main(options: PipelineEntry) -> None:
    """Run every step and end with the table, dense against compressed."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.pipeline import run_pipeline

    run_pipeline(options)


if __name__ == "__main__":
    run_entry_point(PipelineEntry, main, name="pipeline")
