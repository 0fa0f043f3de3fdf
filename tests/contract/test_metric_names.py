"""Every figure that an entry point logs is in the one list of names, and in the documentation."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from metric_names import is_known

from vcc.config.metrics import METRIC_PREFIXES, METRICS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "tracking.md").read_text()
# The figures of these functions and calls are what is logged.
SOURCES = sorted([*ROOT.glob("vcc/evaluation/**/*.py"), *ROOT.glob("vcc/pipeline/**/*.py"),
                  *ROOT.glob("vcc/export/**/*.py")])  # fmt: skip
MAKERS = {"metrics", "size_figures"}


def logged_names(path: Path) -> set[str]:
    """Return the literal keys of dictionaries that `metrics()` returns or `log_metrics` takes."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        maker = isinstance(node, ast.FunctionDef) and node.name in MAKERS
        call = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "log_metrics"
        )
        if not (maker or call):
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.Dict):
                keys = [key for key in inner.keys if isinstance(key, ast.Constant)]
                names |= {str(key.value) for key in keys}
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_logged_names_are_listed(path: Path) -> None:
    unknown = {name for name in logged_names(path) if not is_known(name)}
    assert not unknown, f"{path}: add to vcc/config/metrics.py and docs/tracking.md: {unknown}"


def test_names_are_found_at_all() -> None:
    found = set().union(*(logged_names(path) for path in SOURCES))
    assert {"video_top1", "params", "latency_p50_ms", "parity_top1_agreement", "seconds"} <= found


@pytest.mark.parametrize("name", [*METRICS, *METRIC_PREFIXES])
def test_names_are_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENT


@pytest.mark.parametrize("name", ["video_top_1", "dev_accuracy", "loss", "dev_video_top1"])
def test_strangers_are_not_known(name: str) -> None:
    assert is_known(name) == (name in {"loss", "dev_video_top1"})
