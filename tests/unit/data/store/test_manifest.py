"""The manifest: a digest of the data alone, and edits that are noticed."""

from __future__ import annotations

import json
import math
from dataclasses import astuple, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.data.store.manifest import (
    MANIFEST_NAME,
    Manifest,
    VideoRecord,
    count_by,
    group_numbers,
    prepare_command,
    read_manifest,
    write_manifest,
)
from vcc.errors import DataError

VIDEO = VideoRecord("é", 1, "walk", "walk_g01", "train", 9, 25.0, 36, 48, "frames/a.vcf", "c0")
MANIFEST = Manifest(
    name="x",
    split="split1",
    labels=("run", "walk"),
    store="raw",
    short_side=36,
    direction_sensitive=False,
    pixel_mean=(1.0, 2.0, 3.0),
    pixel_std=(4.0, 5.0, 6.0),
    videos=(VIDEO, replace(VIDEO, id="b", subset="test", fps=0.0)),
)


@pytest.mark.parametrize("fps", [0.0, 12.5])
@pytest.mark.parametrize("videos", [(), MANIFEST.videos])
def test_it_is_read_as_it_was_written(
    tmp_path: Path, fps: float, videos: tuple[VideoRecord, ...]
) -> None:
    manifest = replace(MANIFEST, fps=fps, videos=videos)
    assert write_manifest(manifest, tmp_path) == tmp_path / MANIFEST_NAME
    assert read_manifest(tmp_path) == manifest


def test_the_digest_is_of_the_content_alone() -> None:
    assert replace(MANIFEST).digest == MANIFEST.digest
    assert replace(MANIFEST, name="y").digest != MANIFEST.digest
    assert replace(MANIFEST, fps=5.0).digest != MANIFEST.digest
    assert replace(MANIFEST, videos=MANIFEST.videos[::-1]).digest != MANIFEST.digest
    # Older data has no frame rate of its own, and keeps its digest.
    assert "fps" not in MANIFEST.content()


def test_a_subset_is_counted() -> None:
    assert [count_by(MANIFEST.videos, subset) for subset in ("train", "dev", "test")] == [1, 0, 1]


def test_without_one_the_message_says_where_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError) as caught:
        read_manifest(tmp_path)
    assert str(caught.value) == f"{tmp_path}: no prepared data there; make it with " + (
        prepare_command()
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"^data: .*looked for in .*/data\)"):
        read_manifest(Path("data"))


def row_with(**values: object) -> list[object]:
    return list(astuple(replace(VIDEO, **values)))  # type: ignore[arg-type]


def changed(root: Path, **values: object) -> None:
    content = json.loads((root / MANIFEST_NAME).read_text("utf-8"))
    (root / MANIFEST_NAME).write_text(json.dumps({**content, **values}), "utf-8")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 2}, "not a manifest of format 1"),
        ({"columns": ["id"]}, "damaged .*columns are"),
        ({"videos": [[1, 2]]}, "damaged"),
        ({"videos": None}, "damaged"),
        ({"labels": 3}, "damaged"),
        ({"fps": "fast"}, "damaged"),
        ({"pixel_mean": [1.0, math.nan, 1.0]}, "damaged .*NaN is no number"),
        ({"videos": [row_with(n_frames=0)]}, "'é': frames, height and width are"),
        ({"videos": [row_with(width="wide")]}, "frames, height and width are"),
        ({"videos": [row_with(label=2)]}, "there is no class 2"),
        ({"videos": [row_with(label=-1)]}, "there is no class -1"),
        ({"videos": [row_with(file="../../a.vcf")]}, "leads out of the data set's folder"),
        ({"videos": [row_with(file="/a.vcf")]}, "leads out of the data set's folder"),
        ({"videos": [row_with(file=3)]}, "damaged"),
        ({"name": "y"}, "was edited"),
        ({"digest": ""}, "was edited"),
    ],
)
def test_what_was_changed_by_hand_is_refused(
    tmp_path: Path, values: dict[str, object], message: str
) -> None:
    write_manifest(MANIFEST, tmp_path)
    changed(tmp_path, **values)
    with pytest.raises(DataError, match=message) as caught:
        read_manifest(tmp_path)
    assert "rebuild it with `mlflow run" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{}", b"\xff", b'{"format": 1}', b"[" * 9000]
)
def test_another_file_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(DataError, match="rebuild it with"):
        read_manifest(tmp_path)


def test_videos_of_one_group_have_one_number() -> None:
    named = [SimpleNamespace(id=str(n), group=group) for n, group in enumerate(["b", "", "b", ""])]
    records: Any = named
    assert group_numbers(records) == "0 1 0 2"
