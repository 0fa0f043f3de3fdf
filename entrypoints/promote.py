"""Entry point `promote`: the champion alias behind a gate."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import PromoteEntry


def main(options: PromoteEntry) -> None:
    """Measure, judge, and move the alias, or say every mark that was missed."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.promote import run_promote

    run_promote(options)


if __name__ == "__main__":
    run_entry_point(PromoteEntry, main, name="promote")
