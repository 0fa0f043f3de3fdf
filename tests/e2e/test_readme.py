"""The README's commands, run in its order, go from nothing to a champion that answers a video."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import mlflow
import pytest
from limits import LONG_HANG_S, LONG_TEST_S
from readme_commands import Block, blocks_of, copy_of_project, readme_blocks
from tracking_servers import free_port, mlflow_server, postgresql

NAME = "vcc-resnet10b-0.5-quick"
PORT = "5001"
# Between two blocks, so that what each printed can be told apart.
_RULE = "=== end of block"


def test_marks_are_read() -> None:
    text = (
        "```sh\na\n```\n\n<!-- not run: why -->\n```sh\nb \\\n  c\n```\n"
        "<!-- long: x -->\n```sh\nd\n```\n"
    )
    assert [(block.script, block.mark, block.reason) for block in blocks_of(text)] == [
        ("a\n", "", ""),
        ("b \\\n  c\n", "not run", "why"),
        ("d\n", "long", "x"),
    ]


def test_what_is_not_run_says_why_and_the_rest_is_the_whole_way() -> None:
    blocks = readme_blocks()
    assert all(len(block.reason) > 10 for block in blocks if block.mark == "not run")
    run = "".join(block.script for block in blocks if not block.mark)
    for step in ("mlflow run . --env-manager", "-e promote", "mlflow models serve", "curl"):
        assert step in run, step


def run_blocks(copy: Path, blocks: list[Block], *, tracking: str | None) -> list[str]:
    """Run blocks in one shell, as a reader would, and return what each printed.

    Only the port is another, since tests run beside each other.
    """
    script = f"\necho '{_RULE}'\n".join(block.script for block in blocks)
    script = re.sub(rf"\b{PORT}\b", str(free_port()), script)
    # What a session may have set would hide what the defaults do.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Beside other tests, threads spend their time waiting for each other.
        "OMP_NUM_THREADS": "1",
        **({"MLFLOW_TRACKING_URI": tracking} if tracking else {}),
    }
    said = copy / "said.log"
    with said.open("w") as output, (copy / "errors.log").open("w") as errors:
        # A session of its own: the served model is left in the background.
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=copy,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            code = shell.wait(timeout=LONG_HANG_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    assert code == 0, said.read_text() + (copy / "errors.log").read_text()[-6000:]
    return said.read_text().split(_RULE)


def check_champion(tracking: str) -> None:
    client = mlflow.MlflowClient(tracking_uri=tracking, registry_uri=tracking)
    versions = [
        client.get_model_version_by_alias(name, "champion")
        for name in (NAME, f"{NAME}-onnx", f"{NAME}-video")
    ]
    assert len({version.tags["export_id"] for version in versions}) == 1
    assert {version.tags["promoted_why"] for version in versions} == {"the first champion"}
    assert {version.tags["role"] for version in versions} == {"compressed"}


def check_answer(said: str) -> None:
    (row,) = json.loads(said)["predictions"]
    assert sorted(row["labels"]) == ["left", "right"]
    assert sum(row["scores"]) == pytest.approx(1, abs=1e-4)
    assert row["clips"] == 3


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    if shutil.which("curl") is None:
        pytest.skip("the README's commands use curl, which is not installed")
    yield copy_of_project(tmp_path)
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.timeout(LONG_TEST_S)
@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_from_nothing_to_a_served_champion(copy: Path, store: str) -> None:
    blocks = [block for block in readme_blocks() if not block.mark]
    with ExitStack() as stack:
        tracking = None
        if store == "postgresql":
            database = stack.enter_context(postgresql())
            tracking = stack.enter_context(mlflow_server(database, copy))
        said = run_blocks(copy, blocks, tracking=tracking)
        check_champion(tracking or f"sqlite:///{copy / 'mlflow.db'}")
    assert (copy / "mlflow.db").exists() == (store == "sqlite")
    check_answer(next(each for each in said if '"predictions"' in each))


@pytest.mark.slow
@pytest.mark.timeout(LONG_TEST_S)
def test_the_long_commands_run_after_the_quick_start(copy: Path) -> None:
    blocks = [block for block in readme_blocks() if block.mark != "not run"]
    said = run_blocks(copy, blocks, tracking=None)
    check_answer(next(each for each in said if '"predictions"' in each))
    assert (copy / "exported" / "resnet10b-0.5-quick-compressed.onnx").is_file()
