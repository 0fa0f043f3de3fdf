"""Usage figures: no package that this project uses sends any, unless the user asked for it.

MLflow and ONNX Runtime are told by environment variables, which child processes inherit; a value
that the user has set stays. OpenVINO asks a file, which its own command `opt_in_out` writes.

`switch_off_in_environment` sets the variables for every program of this Python environment, also
for those that start before this project's code does: `mlflow run`, `mlflow models serve`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

# Read once, when the package is first imported.
VARIABLES = {"MLFLOW_DISABLE_TELEMETRY": "true", "ORT_DISABLE_TELEMETRY": "1"}
_OPENVINO_PACKAGE = "openvino_telemetry"


def switch_off() -> None:
    """Set the variables that keep MLflow and ONNX Runtime silent, where the user set none."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def silent_openvino() -> Iterator[None]:
    """Hide OpenVINO's telemetry from an import of OpenVINO, which then uses its own stand-in.

    Nothing is hidden where the user has opted in, or where the package was imported before.
    """
    if _OPENVINO_PACKAGE in sys.modules or _opted_in_to_openvino():
        yield
        return
    # With None in its place, Python says that there is no such module.
    sys.modules[_OPENVINO_PACKAGE] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_OPENVINO_PACKAGE]


def switch_off_in_environment() -> Path:
    """Write a file of site-packages that sets the variables when Python starts; return its path."""
    # Python runs the lines of such a file that begin with `import`.
    lines = [
        f"import os; os.environ.setdefault({name!r}, {value!r})"
        for name, value in VARIABLES.items()
    ]
    path = Path(sysconfig.get_paths()["purelib"]) / "vcc_no_usage_figures.pth"
    path.write_text("\n".join(lines) + "\n")
    return path


def _opted_in_to_openvino() -> bool:
    # The place and the answer are those of openvino_telemetry (`opt_in_out --opt_in`).
    try:
        if sys.platform == "win32":
            folder = Path(os.path.expandvars("$LOCALAPPDATA")) / "Intel Corporation"
        else:
            folder = Path.home() / "intel"
        return (folder / _OPENVINO_PACKAGE).read_text().strip() == "1"
    except (OSError, UnicodeDecodeError, RuntimeError):
        # An account without a home folder, as in a container, is a RuntimeError.
        return False
