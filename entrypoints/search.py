"""Entry point `search`: the compression that meets a target and costs the least accuracy."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import SearchEntry


def main(options: SearchEntry) -> None:
    """Search for a compression, make the best ones in full, and register the best of them."""
    # Imported here: `--help` must not wait for torch and MLflow.
    from vcc.pipeline.commands.search import run_search

    run_search(options)


if __name__ == "__main__":
    run_entry_point(SearchEntry, main, name="search")
