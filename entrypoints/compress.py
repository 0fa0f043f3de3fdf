"""Entry point `compress`: a registered baseline, made smaller by a schedule."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import CompressEntry


def main(options: CompressEntry) -> None:
    """Compress, register, and say what comes next."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.compress import run_compress

    run_compress(options)


if __name__ == "__main__":
    run_entry_point(CompressEntry, main, name="compress")
