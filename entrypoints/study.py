"""Entry point `study`: models x methods x seeds, and a report of what compression costs."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import StudyEntry


def main(options: StudyEntry) -> None:
    """Compute what is missing of a study and write its report."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.study import run_study

    run_study(options)


if __name__ == "__main__":
    run_entry_point(StudyEntry, main, name="study")
