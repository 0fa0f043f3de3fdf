"""What every test gets: few threads, a fixed seed, and a tracking database of its own."""

from __future__ import annotations

import faulthandler
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
from _pytest.faulthandler import fault_handler_stderr_fd_key

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"

# How long an example takes, or its making, says something about the machine and nothing about vcc.
# By default everybody tries the same examples: what fails for one fails for all. `make test-all`
# looks for new ones.
_PROFILE: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
}
hypothesis.settings.register_profile("vcc", derandomize=True, **_PROFILE)
hypothesis.settings.register_profile("search", **_PROFILE)
hypothesis.settings.load_profile("vcc")

SHARED = Path(__file__).resolve().parents[2] / "shared"


# What these modules compute may differ by the processor's instructions.
_NUMERIC = re.compile(
    r"unit/export/(?!.*(memory|gpu|doctor|table))|emulated|quantiz|quantis|_qat|ptq|precision|kernels"
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test-avx2` runs."""
    for item in items:
        if _NUMERIC.search(item.path.as_posix().partition("/tests/")[2]):
            item.add_marker(pytest.mark.numeric)


@pytest.fixture(autouse=True)
def _reproducible() -> None:
    # Beside another busy process, two threads spend most of their time in barriers.
    torch.set_num_threads(1)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)


@pytest.fixture(autouse=True)
def _faults_are_told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # After each training Lightning puts back the signals' handlers that Python knows of; pytest's
    # for segmentation faults and aborts is none of them, and a crash would leave no trace.
    stderr = request.config.stash.get(fault_handler_stderr_fd_key, None)
    connectors = sys.modules.get("lightning.pytorch.trainer.connectors.signal_connector")
    if stderr is None or connectors is None:
        return
    connector: Any = connectors._SignalConnector
    teardown = connector.teardown

    def teardown_and_enable(self: Any) -> None:
        teardown(self)
        faulthandler.disable()
        faulthandler.enable(file=stderr)

    monkeypatch.setattr(connector, "teardown", teardown_and_enable)


def _tracking_server() -> str | None:
    """Return what `mlflow.set_tracking_uri` chose for the process; it goes before the variable."""
    chosen = sys.modules.get("mlflow.tracking._tracking_service.utils")
    return getattr(chosen, "_tracking_uri", None)


def _set_tracking_server(uri: str | None) -> None:
    chosen = sys.modules.get("mlflow.tracking._tracking_service.utils")
    if chosen is not None:
        chosen.set_tracking_uri(uri)


@pytest.fixture(autouse=True, scope="module")
def _environment_is_a_module_s_own() -> Iterator[None]:
    # What a module's own fixtures set (MLflow puts the active experiment into the environment) is
    # there before each of its tests begins.
    before, server = dict(os.environ), _tracking_server()
    yield
    _set_tracking_server(server)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _environment_is_left_alone() -> Iterator[None]:
    before, server = dict(os.environ), _tracking_server()
    yield
    _set_tracking_server(server)
    # pytest writes the name of the running test there; MLflow and Lightning read many variables.
    # threadpoolctl sets the last one when something imports it.
    ignored = {
        "PYTEST_CURRENT_TEST",
        "PYTEST_VERSION",
        "TORCHINDUCTOR_CACHE_DIR",
        "KMP_DUPLICATE_LIB_OK",
    }
    after = {key: value for key, value in os.environ.items() if key not in ignored}
    leaked = {key for key in after if before.get(key) != after[key]}
    leaked |= {key for key in before if key not in os.environ and key not in ignored}
    os.environ.clear()
    os.environ.update(before)
    # scikit-learn's first import tells OpenMP (KMP_) what to put up with, whoever needs it first.
    harmless = ("MLFLOW_", "_MLFLOW", "PL_", "LIGHTNING", "KMP_")
    known = {key for key in leaked if key.startswith(harmless)}
    assert leaked <= known, f"the test changed the environment: {sorted(leaked - known)}"


@pytest.fixture(autouse=True)
def _no_experiment_is_left_active() -> Iterator[None]:
    yield
    # `mlflow.set_experiment` holds for the process: the next test's server has no such experiment.
    fluent = sys.modules.get("mlflow.tracking.fluent")
    if fluent is not None:
        fluent._active_experiment_id = None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the repository; the test skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the reference data beside the repository is absent")
    return SHARED


def pytest_testnodedown(node: Any, error: object) -> None:
    """Say how a worker of pytest-xdist ended that was not told to: it cannot do so itself."""
    if error:
        try:
            code = str(node.gateway._io.popen.wait(60))
        except subprocess.TimeoutExpired:
            code = "unknown: it is still there"
        sys.stderr.write(f"\n{node.gateway.id} ended with exit code {code} (-9: SIGKILL, ...)\n")
