"""Imports go one way, heavy packages stay where they belong, and `--help` is quick."""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path

import pytest
from commands import run_command
from sources import ENTRYPOINTS, MODULES, ROOT, tree_of

# A package may import those of lower layers, and itself.
LAYERS = {
    "errors": 0,
    "files": 0,
    "registry": 0,
    "signals": 0,
    "figure_text": 0,
    "spreadsheet": 0,
    "progress": 0,
    "pareto": 0,
    "config": 0,
    "data": 1,
    "models": 1,
    "training": 2,
    "compression": 2,
    "evaluation": 2,
    "export": 2,
    "tracking": 3,
    "pipeline": 4,
    "entrypoints": 5,
}
# The command line belongs to the edge; only its printing and formatting are used below it.
EDGE = {"cli"}

ONLY_IN = {
    "av": {"vcc/data/decoding"},
    "mlflow": {"vcc/tracking"},
    "onnx": {"vcc/export"},
    "onnxruntime": {"vcc/export"},
    "openvino": {"vcc/export"},
    # Finds channel groups in one, counts multiply-accumulates in the other.
    "torch_pruning": {"vcc/compression", "vcc/models/summary.py"},
    # It brings PyTorch's compiler along, for which loader workers must not wait.
    "torchvision": {"vcc/data/clips/augmentation.py", "vcc/training/loss.py"},
}

SOURCES = [*ENTRYPOINTS, *MODULES]


@functools.cache
def imported(path: Path) -> frozenset[str]:
    """Return the modules a file imports anywhere, type-checking imports included."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def part_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] == "entrypoints" else parts[1]


def goes_up(part: str, name: str) -> bool:
    """Return whether a part of the package imports a name of a layer that is not below it."""
    if not name.startswith(("vcc.", "entrypoints")):
        return False
    target = name.split(".")[1] if name.startswith("vcc.") else "entrypoints"
    if target == part or target in EDGE or target not in LAYERS:
        return False
    return LAYERS[target] >= LAYERS[part] and not LAYERS[target] == LAYERS[part] == 0


# One test for all files here and elsewhere: with one for each, most of the time went into pytest.
def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES
        if part_of(path) not in {"__init__", *EDGE}
        for name in imported(path)
        if goes_up(part_of(path), name)
    ]
    assert not wrong


def test_an_import_of_an_upper_layer_is_seen() -> None:
    assert goes_up("data", "vcc.training.module.Classifier")
    assert goes_up("training", "vcc.compression.binding")
    assert goes_up("pipeline", "entrypoints.train")
    assert not goes_up("pipeline", "vcc.data.store.prepared")
    assert not goes_up("config", "vcc.errors")


@pytest.mark.parametrize("package", sorted(ONLY_IN))
def test_heavy_packages_have_one_importer(package: str) -> None:
    for path in SOURCES:
        relative = path.relative_to(ROOT)
        if any(str(relative).startswith(folder) for folder in ONLY_IN[package]):
            continue
        roots = {name.split(".")[0] for name in imported(path)}
        assert package not in roots, f"{relative} imports {package}"


@pytest.mark.parametrize(
    "name", sorted(p.stem for p in (ROOT / "entrypoints").glob("*.py") if p.stem != "__init__")
)
def test_help_needs_no_heavy_package(name: str) -> None:
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['{name}', '--help']\n"
        "try:\n"
        f"    runpy.run_module('entrypoints.{name}', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    heavy = {'torch', 'mlflow', 'cv2', 'av', 'lightning', 'onnx', 'numpy'}\n"
        "    heavy &= set(sys.modules)\n"
        "    sys.exit(end.code or (f'imported {sorted(heavy)}' if heavy else 0))\n"
    )
    done = run_command(
        [sys.executable, "-c", code],
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: python -m entrypoints." in done.stdout
