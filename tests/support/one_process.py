"""Several entry points, one after the other, in one process: each process imports for seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from commands import run_command

_ROOT = Path(__file__).resolve().parents[2]
_STEPS = """
import json, runpy, sys
for name, words in json.loads(sys.argv[1]).items():
    sys.argv = [name, *words]
    runpy.run_module(f"entrypoints.{name}", run_name="__main__")
"""


def run_entry_points(
    steps: Mapping[str, Sequence[str]], *, folder: Path, tracking_uri: str, site: Path
) -> subprocess.CompletedProcess[str]:
    """Run entry points until one fails, and return what they printed.

    Args:
        steps: entry point to its command line.
        folder: where they run.
        tracking_uri: of the MLflow database.
        site: a folder of packages that are installed for them.
    """
    paths = (site, _ROOT, _ROOT / "tests", _ROOT / "tests" / "support")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(path) for path in paths),
        "MLFLOW_TRACKING_URI": tracking_uri,
    }
    words = [sys.executable, "-c", _STEPS, json.dumps({key: list(v) for key, v in steps.items()})]
    return run_command(words, cwd=folder, env=environment, stderr=subprocess.STDOUT)
