"""Entry point `predict`: labels for video files. Not built yet."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import PredictEntry
from vcc.errors import NotAvailableError


def main(options: PredictEntry) -> None:
    """Fail: prediction on files is missing."""
    msg = (
        "predict: not built yet: vcc cannot classify single video files so far; "
        "evaluate scores prepared data"
    )
    raise NotAvailableError(msg)


if __name__ == "__main__":
    run_entry_point(PredictEntry, main, name="predict")
