"""Entry point `promote`: the champion alias behind a gate. Not built yet."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import PromoteEntry
from vcc.errors import NotAvailableError


def main(options: PromoteEntry) -> None:
    """Fail: the gate is missing."""
    msg = (
        "promote: not built yet: vcc has no promotion gate so far; "
        "set the alias champion in the MLflow UI"
    )
    raise NotAvailableError(msg)


if __name__ == "__main__":
    run_entry_point(PromoteEntry, main, name="promote")
