"""A bundle runs where neither the repository nor an installation of it can be imported."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from bundle_files import bundled
from commands import run_command
from served_network import Registered

ROOT = Path(__file__).resolve().parents[2]

# Runs a script with three packages to import, and nothing of ours.
ALONE = """
import json, runpy, sys
root, script, package, video = sys.argv[1:]
sys.meta_path = [f for f in sys.meta_path if "editable" not in repr(f).lower()]
sys.path = [p for p in sys.path if p not in ("", root)]
for name in ("vcc", "torch", "cv2", "mlflow", "onnx"):
    sys.modules[name] = None
sys.argv = [script, video]
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_its_script_answers_as_the_network_does(
    registered: Registered, tmp_path: Path, name: str
) -> None:
    folder = bundled(name, registered.onnx, tmp_path / name)
    video = next((registered.folder / "videos").rglob("*.avi"))
    done = run_command(
        [sys.executable, "-c", ALONE, str(ROOT), str(folder / "infer.py"), name, str(video)],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (answer,) = [json.loads(line) for line in done.stdout.splitlines()]
    scores = registered.scores(video)
    order = np.argsort(-scores)
    labels = registered.network.card.labels
    assert [each["label"] for each in answer["results"]] == [labels[i] for i in order]
    found = [each["score"] for each in answer["results"]]
    # Scaling with NumPy differs by a level of a pixel at most, which this network tells loudly.
    assert found == pytest.approx(list(scores[order]), abs=0.03)
    assert answer["clips"] == 3
