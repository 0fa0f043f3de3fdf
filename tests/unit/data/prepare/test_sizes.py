"""How large a store is going to be, and which kind is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_videos import smooth_frames, write_video

from vcc.config.data import PrepareOptions
from vcc.data.annotations.annotation import Entry
from vcc.data.prepare.plan import PlannedVideo
from vcc.data.prepare.sizes import choose_store, estimate_sizes
from vcc.errors import DataError


@pytest.fixture
def videos(tmp_path: Path) -> list[PlannedVideo]:
    paths = [write_video(tmp_path / f"{n}.avi", smooth_frames(10)) for n in range(4)]
    return [PlannedVideo(path, Entry(path.stem, "a", "train", None)) for path in paths]


def test_raw_is_every_pixel(tmp_path: Path, videos: list[PlannedVideo]) -> None:
    raw, packed = estimate_sizes(PrepareOptions(), [video.path for video in videos])
    assert raw == 4 * 10 * 36 * 48 * 3
    assert 0 < packed < raw
    assert estimate_sizes(PrepareOptions(), [tmp_path / "none.avi"]) == (0.0, 0.0)


def test_the_kind_follows_the_size(tmp_path: Path, videos: list[PlannedVideo]) -> None:
    assert choose_store(PrepareOptions(), videos, tmp_path) == "raw"
    assert choose_store(PrepareOptions(raw_limit_gib=1e-9), videos, tmp_path) == "packed"
    assert choose_store(PrepareOptions(store="jpg"), videos, tmp_path) == "jpg"


def test_a_full_disk_is_refused(
    tmp_path: Path, videos: list[PlannedVideo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(DataError, match="store=raw needs about .* choose store=packed"):
        choose_store(PrepareOptions(store="raw"), videos, tmp_path)
