"""Runs every benchmark, one after the other: `make bench`."""

from __future__ import annotations

import runpy
import sys

BENCHMARKS = (
    "data_opening",
    "data_loader",
    "data_augmentation",
    "training",
    "compression",
    "latency",
    "serving",
)


def main() -> None:
    """Run them with their default settings."""
    for name in BENCHMARKS:
        sys.stdout.write(f"== {name}\n")
        sys.argv = [name]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
