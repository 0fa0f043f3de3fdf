"""Entry point `study`: models x methods x seeds. Not built yet."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import StudyEntry
from vcc.errors import NotAvailableError


def main(options: StudyEntry) -> None:
    """Fail: the study is missing."""
    msg = (
        "study: not built yet: vcc has no study runner so far; "
        "run compress once per method and compare in MLflow"
    )
    raise NotAvailableError(msg)


if __name__ == "__main__":
    run_entry_point(StudyEntry, main, name="study")
