"""What a user gets wrong ends in one line, a non-zero exit code, and nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import run_command

ROOT = Path(__file__).resolve().parents[2]
# Each starts a process, which takes seconds: one of a kind by default.
SLOW = pytest.mark.slow


def entry(folder: Path, name: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Call an entry point that tracks into `folder`."""
    words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    return run_command(
        [sys.executable, "-m", f"entrypoints.{name}", *words],
        cwd=ROOT,
        env=environment,
    )


def write_video(path: Path, *, brightness: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 32))
    for value in range(8):
        writer.write(np.full((32, 32, 3), brightness + 10 * value, np.uint8))
    writer.release()


def write_annotation(path: Path, **database: dict[str, object]) -> Path:
    labels = sorted({"a", "b"} | {str(v["annotations"]["label"]) for v in database.values()})  # type: ignore[index]
    path.write_text(json.dumps({"labels": labels, "database": database}))
    return path


def labelled(label: str, **values: str) -> dict[str, object]:
    return {**values, "annotations": {"label": label}}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two readable videos of two classes, and folders with everything that can be wrong."""
    root = tmp_path_factory.mktemp("input")
    write_video(root / "good" / "a" / "a1.avi", brightness=0)
    write_video(root / "good" / "b" / "b1.avi", brightness=99)
    (root / "empty").mkdir()
    for label in ("a", "b"):
        (root / "junk" / label).mkdir(parents=True)
        (root / "junk" / label / "broken.avi").write_bytes(label.encode())
    both = {"a1": labelled("a", subset="training"), "b1": labelled("b", subset="validation")}
    write_annotation(root / "unused.json", **both, z1=labelled("z", subset="training"))
    write_annotation(root / "nosubset.json", **both, a2=labelled("a"))
    return root


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"videos": "missing"}, 2, "videos: there is no file or folder"),
        *(
            pytest.param(options, 3, message, marks=SLOW)
            for options, message in (
                ({"videos": "empty"}, "no videos there"),
                ({"videos": "junk"}, "'a/broken.avi': not a readable video"),
                (
                    {"videos": "good", "annotation": "unused.json"},
                    "no usable video for 1 of 3 labels (z)",
                ),
                (
                    {"videos": "good", "annotation": "nosubset.json"},
                    "database.a2: subset is None",
                ),
            )
        ),
    ],
)
def test_prepare_says_what_is_wrong_and_leaves_nothing(
    videos: Path, tmp_path: Path, options: dict[str, str], code: int, message: str
) -> None:
    paths = {key: videos / value for key, value in options.items()}
    # One tracking database for all: making a new one takes seconds.
    done = entry(videos, "prepare", root_path=tmp_path / "data", **paths)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert not list((tmp_path / "data").glob("*")) or not (tmp_path / "data").exists()


def test_the_project_need_not_be_installed(tmp_path: Path) -> None:
    """MLflow's environment holds third-party packages only: the code comes from the folder."""
    for package in ("vcc", "entrypoints"):
        (tmp_path / package).symlink_to(ROOT / package)
    code = (
        "import sys\n"
        # An editable installation finds the package by an entry in sys.meta_path or sys.path.
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        f"sys.path = [p for p in sys.path if p != {str(ROOT)!r}]\n"
        "sys.argv = ['doctor']\n"
        "import runpy; runpy.run_module('entrypoints.doctor', run_name='__main__')\n"
    )
    done = run_command(
        [sys.executable, "-c", code],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "provider cpu             runs (onnxruntime CPU)" in done.stdout
