"""Prepared data that registered networks need: there, made anew, cut, or elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import mlflow
import pytest
from data_videos import prepare_tree, write_tree
from registry_toys import ToyRegistry

from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.doctor.finding import Finding
from vcc.pipeline.doctor.prepared_data import check_data, needed_data
from vcc.tracking.runs import Run


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    root = tmp_path_factory.mktemp("prepared")
    write_tree(root / "videos")
    return prepare_tree(root, store="packed", output=root / "data" / "toy", dataset="toy")


@pytest.fixture
def data(prepared: PreparedDataset, tmp_path: Path) -> PreparedDataset:
    shutil.copytree(prepared.root, tmp_path / "data" / "toy")
    return PreparedDataset.open(tmp_path / "data" / "toy")


def tags_of(data: PreparedDataset) -> Mapping[str, str]:
    return {"dataset": data.name, "data_digest": data.digest}


def found(toy: ToyRegistry, root_path: Path) -> list[Finding]:
    needed = needed_data([toy.read()])
    return [finding for each in needed for finding in check_data(each, root_path)]


def learnt_from(toy: ToyRegistry, data: PreparedDataset, **tags: str) -> None:
    toy.alias("baseline", toy.add("", **tags_of(data), **tags), "")


def test_data_that_are_there(toy: ToyRegistry, data: PreparedDataset) -> None:
    toy.add("", dataset="toy", data_digest="of a network that has no alias")
    learnt_from(toy, data)
    assert [each.name for each in needed_data([toy.read()])] == ["toy"]
    assert found(toy, data.root.parent) == []


def test_data_that_are_where_the_run_found_them(
    toy: ToyRegistry, data: PreparedDataset, tmp_path: Path
) -> None:
    with mlflow.start_run() as active:
        run = Run(active, unsent=tmp_path)
        run.log_dataset(name=data.name, root=data.root, digest=data.digest, context="train")
    learnt_from(toy, data, run_id=run.run_id)
    assert found(toy, tmp_path / "elsewhere") == []


def test_data_of_another_machine_are_a_remark(
    toy: ToyRegistry, data: PreparedDataset, tmp_path: Path
) -> None:
    learnt_from(toy, data, run_id="0" * 32)
    (finding,) = found(toy, tmp_path / "elsewhere")
    assert not finding.broken
    assert "are not on this machine" in finding.what
    assert "-e prepare" in finding.mend


def test_data_that_were_prepared_anew(toy: ToyRegistry, data: PreparedDataset) -> None:
    toy.alias("baseline", toy.add("", dataset=data.name, data_digest="0" * 64), "")
    (finding,) = found(toy, data.root.parent)
    assert finding.broken
    assert "was prepared anew since" in finding.what
    assert "-e train" in finding.mend


def test_stored_videos_that_are_gone_or_cut(toy: ToyRegistry, data: PreparedDataset) -> None:
    learnt_from(toy, data)
    first, second, *_ = sorted(data.root.rglob("*.vcf"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    (finding,) = found(toy, data.root.parent)
    assert finding.what.startswith("2 of 8 stored videos are missing or cut; first ")
    assert f"-P output={data.root}" in finding.mend


def test_a_damaged_manifest(toy: ToyRegistry, data: PreparedDataset) -> None:
    learnt_from(toy, data)
    (data.root / "manifest.json").write_text("{")
    damaged, missing = found(toy, data.root.parent)
    assert damaged.broken
    assert "damaged" in damaged.what
    assert not missing.broken
