"""Entry point `evaluate`: clip and video accuracy on the test videos."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import EvaluateEntry


def main(options: EvaluateEntry) -> None:
    """Evaluate a registered network, or a val.json file."""
    # Imported here: `--help` must not wait for torch and MLflow.
    if options.val_json is not None:
        from vcc.pipeline.evaluate.predictions import run_predictions

        run_predictions(options)
    else:
        from vcc.pipeline.commands.evaluate import run_evaluate

        run_evaluate(options)


if __name__ == "__main__":
    run_entry_point(EvaluateEntry, main, name="evaluate")
