"""Empty tracking databases: MLflow takes two seconds to make one, a copy takes none."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from vcc.tracking.database import open_database


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        open_database(f"sqlite:///{path}")
        return path.read_bytes()


def new_database(folder: Path) -> str:
    """Write an empty `mlflow.db` into a folder, as MLflow makes it, and return its URI.

    The artifacts of the default experiment go to `mlruns` in the current folder, as without it.
    """
    path = folder / "mlflow.db"
    path.write_bytes(_empty())
    return f"sqlite:///{path}"
