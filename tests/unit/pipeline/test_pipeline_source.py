"""Registered versions are found by their tags, those from before the tags by their checkpoint."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from models_tiny import tiny_network

from vcc.config.tracking import SourceOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ModelError, TrackingError
from vcc.models.checkpoint import save_checkpoint
from vcc.models.network import network_of
from vcc.pipeline import source as module
from vcc.pipeline.card import Network
from vcc.pipeline.source import load_network, search_version
from vcc.pipeline.tags import model_tags
from vcc.tracking.registry import Version

DATASET = cast(PreparedDataset, SimpleNamespace(name="d", digest="x" * 64))


def version(number: int, tags: dict[str, str], *aliases: str) -> Version:
    return Version(
        name=f"vcc-{number}",
        number=number,
        model_id=None,
        created_ms=number,
        tags={"dataset": "d", "data_digest": DATASET.digest, **tags},
        aliases=aliases,
    )


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two networks, the second without tags of its options; what is downloaded is listed."""
    resnet, mobile = tiny_network("resnet10a"), tiny_network("mobilenetv2")
    folder = save_checkpoint(tmp_path / "checkpoint", mobile, {})
    versions = [
        version(2, {"arch": "mobilenetv2-0.25"}, "baseline"),
        version(1, model_tags(network_of(resnet).spec), "baseline"),
    ]
    asked: list[str] = []

    def download(of: Version, *, into: Path, file: str) -> Path:
        asked.append(f"{of.name} {file}")
        return folder / file

    monkeypatch.setattr(module, "list_versions", lambda **_: versions)
    monkeypatch.setattr(module, "download_checkpoint", download)
    return asked


@pytest.mark.parametrize(
    ("options", "name"), [({"model": "resnet"}, "vcc-1"), ({"model": "mobilenetv2"}, "vcc-2")]
)
def test_a_version_is_found(registered: list[str], options: dict[str, Any], name: str) -> None:
    found = search_version(SourceOptions(**options), DATASET, alias="baseline")
    assert found.name == name
    # Only what has no tags is looked into, and only at its architecture.
    assert registered == ["vcc-2 arch.json"]


def test_nothing_is_downloaded_for_another_alias(registered: list[str]) -> None:
    with pytest.raises(TrackingError, match="no champion of resnet is registered"):
        search_version(SourceOptions(model="resnet"), DATASET, alias="champion")
    assert registered == []


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ModelError, match="'resnetx' is not a known family"):
        search_version(SourceOptions(model="resnetx"), DATASET, alias=None)


def test_a_checkpoint_that_names_other_classes_than_its_network_has(
    network: Network, tmp_path: Path
) -> None:
    metadata = network.card.as_metadata() | {"labels": ["one", "two", "three", "four", "five"]}
    folder = save_checkpoint(tmp_path / "checkpoint", network.model, metadata)
    with pytest.raises(ModelError, match="names 5 classes, its network has"):
        load_network(folder)
