"""`compress` runs parts that another package registers by entry points."""

from __future__ import annotations

import os
from pathlib import Path

import mlflow
import pytest
import toy_package
from killed_project import BASE, Project
from served_network import tracking

from vcc.pipeline.source import load_network

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_entry_point_compresses_by_parts_of_another_package(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "data", trained_on="")
    (tmp_path / "schedule.yaml").write_text(toy_package.SCHEDULE)
    for name in ("prepare", "train"):
        project.must(name)
    refused = project.call("compress")
    assert refused.code == 5
    assert "unknown section" in refused.printed
    site = tmp_path / "site"
    site.mkdir()
    toy_package.install(site)
    paths = (site, ROOT, ROOT / "tests", ROOT / "tests" / "support")
    ended = project.call("compress", PYTHONPATH=os.pathsep.join(str(path) for path in paths))
    assert ended.code == 0, ended.printed
    with tracking(project.uri):
        newest = mlflow.MlflowClient().get_model_version_by_alias(BASE, "challenger")
        folder = Path(mlflow.artifacts.download_artifacts(newest.source))
        weight = load_network(folder / "artifacts" / "checkpoint").model.get_parameter(
            "conv1.weight"
        )
    assert [bool(filters.any()) for filters in weight] == [False] + [True] * (len(weight) - 1)
