"""Real MLflow servers for tests: `mlflow server` on SQLite or on a PostgreSQL of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import run_command
from limits import HANG_S


def free_port() -> int:
    """Return a loopback port that nothing listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL cluster in a temporary folder and give its URI; skip where there is none.

    PostgreSQL refuses to run as root: then it runs as the user `postgres` or `nobody`.
    """
    programs = _postgresql_programs()
    account = _other_account()
    # Not below pytest's folders, which only their owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="vcc-pg-"))
    identity: dict[str, Any] = {}
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    port = free_port()

    def call(program: str, *words: str) -> None:
        command = [str(programs / program), *words]
        done = run_command(command, cwd=folder, **identity)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    cluster = str(folder / "data")
    settings = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    try:
        call("initdb", "-D", cluster, "-U", "mlflow", "-A", "trust", "-E", "UTF8", "--no-sync")
        call("pg_ctl", "-D", cluster, "-l", str(folder / "log"), "-w", "-o", settings, "start")
        try:
            yield f"postgresql+psycopg://mlflow@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-D", cluster, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgresql_programs() -> Path:
    # Debian keeps the server's programs off the path.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    program = str(found[-1]) if found else shutil.which("pg_ctl")
    if program is None:
        pytest.skip("PostgreSQL is not installed: `apt-get install postgresql` brings it")
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    return Path(program).parent


def _other_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("PostgreSQL does not run as root, and there is no other account")


@contextlib.contextmanager
def mlflow_server(backend: str, folder: Path) -> Iterator[str]:
    """Run `mlflow server` on a backend store and give its address.

    Args:
        backend: URI of the database.
        folder: artifacts and the log go there.
    """
    port = free_port()
    words = [
        "server",
        *("--backend-store-uri", backend),
        *("--artifacts-destination", str(folder / "artifacts")),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]
    # Its job runner starts half a dozen processes that no test here needs.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = folder / "server.log"
    with running("mlflow", *words, log=log, env=environment) as process:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def running(
    module: str, *words: str, log: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m module words` in a session of its own, and end all of it afterwards."""
    environment = {**(env or os.environ), "MLFLOW_DISABLE_TELEMETRY": "true"}
    # Servers start their workers by name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**environment, "PATH": path},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait(HANG_S)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until an address answers; fail with the server's log when it ends or takes too long."""
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(url, timeout=10),
        ):
            return
        time.sleep(0.2)
    pytest.fail(f"{url} does not answer: {log.read_text(errors='replace')[-3000:]}")
