"""Entry point `predict`: labels for video files."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import PredictEntry


def main(options: PredictEntry) -> None:
    """Classify the files and write a table of what came out."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.predict import run_predict

    run_predict(options)


if __name__ == "__main__":
    run_entry_point(PredictEntry, main, name="predict")
