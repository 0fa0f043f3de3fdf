"""Entry point `export`: a registered network as a checked, timed ONNX file."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import ExportEntry


def main(options: ExportEntry) -> None:
    """Export, register, and print the figures."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.export import run_export

    run_export(options)


if __name__ == "__main__":
    run_entry_point(ExportEntry, main, name="export")
