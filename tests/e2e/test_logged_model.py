"""What is in the registry stands alone: own code, own requirements, nothing pickled."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from commands import run_command
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import CONTENT_TYPE_JSON, invocations
from served_network import Registered, tracking

ROOT = Path(__file__).resolve().parents[2]

# Loads a model where neither the repository nor an installation of it can be imported.
ALONE = """
import json, sys
root, model, video = sys.argv[1:]
sys.meta_path = [f for f in sys.meta_path if "editable" not in repr(f).lower()]
sys.path = [p for p in sys.path if p not in ("", root)]
try:
    import vcc
except ModuleNotFoundError:
    pass
else:
    sys.exit(f"vcc is still found: {vcc.__file__}")
import mlflow.pyfunc
rows = mlflow.pyfunc.load_model(model).predict({"video": [open(video, "rb").read()]})
files = [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "vcc"]
sys.stdout.write(json.dumps({"rows": rows, "files": files}))
"""


@pytest.fixture(scope="module")
def folders(registered: Registered, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The logged models as somebody else's machine gets them."""
    into = tmp_path_factory.mktemp("downloaded")
    with tracking(registered.tracking_uri):
        return {
            form: Path(
                mlflow.artifacts.download_artifacts(
                    artifact_uri=version.uri, dst_path=str(into / form)
                )
            )
            for form, version in (("onnx", registered.graph), ("video", registered.video))
        }


@pytest.mark.slow
def test_it_loads_without_the_repository(
    registered: Registered, folders: dict[str, Path], tmp_path: Path
) -> None:
    video = next((registered.folder / "videos").rglob("*.avi"))
    done = run_command(
        [sys.executable, "-c", ALONE, str(ROOT), str(folders["video"]), str(video)],
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    scores = np.sort(registered.scores(video))[::-1]
    assert said["rows"][0]["scores"] == pytest.approx(list(scores), abs=1e-5)
    code = folders["video"] / "code" / "vcc"
    assert said["files"]
    assert all(Path(file).is_relative_to(code) for file in said["files"])
    # Everything that this code imports comes with the requirements.
    ours = {"vcc", "entrypoints"}
    needed = imported_packages(Path(file) for file in said["files"]) - ours
    provided = provided_by(requirements(folders["video"]))
    assert needed <= provided, f"not among the requirements: {sorted(needed - provided)}"


def test_requirements_are_pinned_to_what_was_measured(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        for line in requirements(folder):
            package, _, version = line.partition("==")
            assert version == importlib.metadata.version(package)
    packages = {line.partition("==")[0] for line in requirements(folders["onnx"])}
    assert packages & {"onnxruntime", "onnxruntime-gpu"}
    # The flavor alone would pin the CPU wheel, whichever is installed.
    assert len(packages & {"onnxruntime", "onnxruntime-gpu"}) == 1


def test_nothing_is_pickled(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert any(path.suffix == ".onnx" for path in files)
        for path in files:
            assert path.suffix not in {".pkl", ".pickle", ".pt", ".pth", ".joblib"}
            # Protocols 2 to 5 begin so; torch's files are archives of one.
            assert path.read_bytes()[:1] != b"\x80", path
            assert not zipfile.is_zipfile(path), path


def test_the_graph_takes_raw_clips(registered: Registered, folders: dict[str, Path]) -> None:
    model = mlflow.pyfunc.load_model(str(folders["onnx"]))
    clips = torch.randint(0, 256, (2, *registered.network.card.clip_shape)).float()
    with torch.inference_mode():
        expected = registered.network.classifier()(clips).numpy()
    np.testing.assert_allclose(model.predict(clips.numpy())["logits"], expected, atol=1e-4)
    # What the server calls for a request.
    schema = model.metadata.get_input_schema()
    body = json.dumps({"inputs": {"pixels": clips.tolist()}}).encode()
    reply = invocations(body, CONTENT_TYPE_JSON, model, schema)
    assert reply.status == 200
    logits = json.loads(reply.response)["predictions"]["logits"]
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    wrong = json.dumps({"inputs": {"pixels": clips[:, :2].tolist()}}).encode()
    with pytest.raises(MlflowException, match="Shape of input"):
        invocations(wrong, CONTENT_TYPE_JSON, model, schema)


def requirements(folder: Path) -> list[str]:
    return (folder / "requirements.txt").read_text().split()


def imported_packages(files: Iterable[Path]) -> set[str]:
    """Return the top-level packages that source files import, anywhere in them."""
    names: set[str] = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


def provided_by(lines: Iterable[str]) -> set[str]:
    """Return the top-level packages that requirements install, those that they require included."""
    todo = [name_of(line) for line in lines]
    known: set[str] = set()
    while todo:
        package = todo.pop()
        if package in known:
            continue
        known.add(package)
        try:
            further = importlib.metadata.requires(package) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        todo += [name_of(line) for line in further if "extra ==" not in line]
    modules = importlib.metadata.packages_distributions()
    return {
        module
        for module, packages in modules.items()
        if any(name_of(package) in known for package in packages)
    }


def name_of(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()
