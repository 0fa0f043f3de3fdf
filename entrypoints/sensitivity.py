"""Entry point `sensitivity`: how much each layer can be pruned. Not built yet."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import SensitivityEntry
from vcc.errors import NotAvailableError


def main(options: SensitivityEntry) -> None:
    """Fail: the analysis is missing."""
    msg = (
        "sensitivity: not built yet: vcc has no sensitivity analysis so far; "
        "choose sparsities in a schedule file"
    )
    raise NotAvailableError(msg)


if __name__ == "__main__":
    run_entry_point(SensitivityEntry, main, name="sensitivity")
