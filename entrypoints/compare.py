"""Entry point `compare`: one page of every registered version."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import CompareEntry


def main(options: CompareEntry) -> None:
    """Write the page that compares registered versions."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.compare import run_compare

    run_compare(options)


if __name__ == "__main__":
    run_entry_point(CompareEntry, main, name="compare")
