"""What processes did that were watched: whom they connected to, and whether they forked safely."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "watching"
_LOCAL = ("127.0.0.1", "::1", "localhost")
# Where usage figures and the numbers of machines are kept that send them, below the home folder.
TRACES = (".cache/Microsoft", "intel", ".config/mlflow")


def watching(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment whose Python processes are watched, with a home of its own.

    What silences MLflow in tests and in CI is taken out of it.
    """
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {
        name: value
        for name, value in environment.items()
        if name not in ("CI", "PYTEST_CURRENT_TEST", "MLFLOW_DISABLE_TELEMETRY")
    }
    before = kept.get("PYTHONPATH")
    path = f"{FOLDER}:{before}" if before else str(FOLDER)
    log = str(folder / "watch.log")
    return {**kept, "PYTHONPATH": path, "VCC_TEST_WATCH": log, "HOME": str(home)}


def connections_outside(folder: Path) -> list[str]:
    """Return the addresses beyond this machine that were connected to."""
    found = [line.split("\t") for line in _lines(folder) if line.startswith("connect\t")]
    return [
        address
        for _, family, address in found
        if family != "AF_UNIX" and not any(f"'{name}'" in address for name in _LOCAL)
    ]


def forks_beside_threads(folder: Path) -> list[str]:
    """Return the forks of processes that had more than one thread."""
    return [line for line in _lines(folder) if line.startswith("fork\t") and line != "fork\t1"]


def traces(folder: Path) -> list[str]:
    """Return what senders of usage figures left in the home folder."""
    return [name for name in TRACES if (folder / "home" / name).exists()]


def _lines(folder: Path) -> list[str]:
    log = folder / "watch.log"
    return log.read_text().splitlines() if log.exists() else []
