"""`compress` runs parts that another package registers by entry points."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
import toy_package
from killed_project import BASE, Project
from one_process import run_entry_points
from served_network import tracking

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare
from vcc.pipeline.source import load_network


@pytest.mark.slow
def test_the_entry_point_compresses_by_parts_of_another_package(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "data", trained_on="")
    (tmp_path / "schedule.yaml").write_text(toy_package.SCHEDULE)
    prepare(
        PrepareOptions(
            root_path=project.root,
            dataset="tiny",
            motion_classes=2,
            motion_clips=1,
            motion_frames=6,
            motion_width=40,
            motion_height=32,
            short_side=16,
            n_jobs=1,
        )
    )
    site = tmp_path / "site"
    site.mkdir()
    toy_package.install(site)
    done = run_entry_points(
        {name: project.words(name) for name in ("train", "compress")},
        folder=tmp_path,
        tracking_uri=project.uri,
        site=site,
    )
    assert done.returncode == 0, done.stdout
    with tracking(project.uri):
        newest = mlflow.MlflowClient().get_model_version_by_alias(BASE, "challenger")
        folder = Path(mlflow.artifacts.download_artifacts(newest.source))
        weight = load_network(folder / "artifacts" / "checkpoint").model.get_parameter(
            "conv1.weight"
        )
    assert [bool(filters.any()) for filters in weight] == [False] + [True] * (len(weight) - 1)
    # Without that package nobody knows them.
    refused = project.call("compress")
    assert refused.code == 5
    assert "unknown section" in refused.printed
