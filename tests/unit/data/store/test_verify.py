"""A store checked against its manifest."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from data_videos import prepare_tree, write_tree

from vcc.data.store.manifest import Manifest, read_manifest
from vcc.data.store.verify import check_video, verify
from vcc.errors import DataError


@pytest.fixture(scope="module", params=["packed", "jpg"])
def kept(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    root = tmp_path_factory.mktemp("verify")
    write_tree(root / "videos", groups=(1, 8))
    return prepare_tree(root, store=request.param).root


@pytest.fixture
def store(kept: Path, tmp_path: Path) -> Path:
    """Four prepared videos that a test may damage."""
    return shutil.copytree(kept, tmp_path / "data")


def first(store: Path) -> tuple[Manifest, Path]:
    manifest = read_manifest(store)
    return manifest, store / manifest.videos[0].file


def test_a_whole_store_is_counted(store: Path) -> None:
    report = verify(store)
    assert (report.videos, report.reused, report.bad) == (4, 4, ())
    assert report.digest == read_manifest(store).digest
    files = [path for path in (store / "frames").rglob("*") if path.is_file()]
    assert report.size_bytes == sum(path.stat().st_size for path in files)
    assert "every stored video has the manifest's checksum" in report.notes[0]


def test_each_kind_of_damage_has_its_reason(store: Path) -> None:
    manifest, path = first(store)
    video = manifest.videos[0]
    assert check_video(manifest, video, store) is None
    for other in (replace(video, n_frames=3), replace(video, height=2)):
        found = check_video(manifest, other, store)
        assert found is not None
        assert found.reason == "another video or setting"
    damaged = path / "image_00001.jpg" if path.is_dir() else path
    content = bytearray(damaged.read_bytes())
    content[30] ^= 255
    damaged.write_bytes(content)
    found = check_video(manifest, video, store)
    assert found is not None
    assert (found.name, found.reason) == (video.file, "damaged: checksum differs")


def test_a_missing_video_fails_the_whole_with_what_to_do(store: Path) -> None:
    _, path = first(store)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DataError, match="1 of 4 stored videos differ .*missing or incomplete"):
        verify(store)


def test_without_a_manifest_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no prepared data there"):
        verify(tmp_path)
