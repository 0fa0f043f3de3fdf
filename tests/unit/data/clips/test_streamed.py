"""Clips of a video from outside: those of the protocol, or a reason why there are none."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from bad_videos import black_jpeg, growing_bomb, motion_jpeg
from data_videos import prepare_tree, smooth_frames, write_tree, write_video
from decoded import read_video
from limits import HANG_S

from vcc.config.serving import ServingOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.clips.streamed import StreamedVideo, clips_of_file, reading_within
from vcc.data.decoding.containers import container_suffix
from vcc.data.decoding.errors import BadVideoError

LIMITS = ServingOptions()


def clips(
    path: Path, protocol: ClipProtocol, *, limits: ServingOptions = LIMITS, n_clips: int = 0
) -> torch.Tensor:
    found = clips_of_file(path, protocol, short_side=20, limits=limits, n_clips=n_clips)
    return torch.from_numpy(np.stack(list(found)))


def declare(path: Path, *, frames: int, instead: int) -> None:
    """Change the number of frames that an AVI file of `frames` frames says it has."""
    data = bytearray(path.read_bytes())
    # The main header's and the stream header's number of frames.
    for position in (48, data.index(b"strh") + 8 + 32):
        assert int.from_bytes(data[position : position + 4], "little") == frames
        data[position : position + 4] = instead.to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
@pytest.mark.parametrize("count", [1, 3, 4, 9, 16, 17])
@pytest.mark.parametrize("downsample", [1, 2])
def test_the_clips_are_those_of_the_whole_video(
    tmp_path: Path, count: int, suffix: str, downsample: int
) -> None:
    codec = "mp4v" if suffix == ".mp4" else "FFV1"
    path = write_video(tmp_path / f"video{suffix}", smooth_frames(count), codec=codec)
    protocol = ClipProtocol(sample_size=16, sample_duration=4, downsample=downsample)
    expected = protocol.clips(read_video(path, 20))
    assert torch.equal(clips(path, protocol), expected)


def test_fewer_clips_are_spread_over_the_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.avi", smooth_frames(20))
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    every = clips(path, protocol)
    assert torch.equal(clips(path, protocol, n_clips=2), every[[0, 4]])
    assert torch.equal(clips(path, protocol, n_clips=64), every)


@pytest.mark.parametrize("declared", [0, 3, 21])
def test_fewer_clips_are_the_same_ones_where_the_file_declares_another_length(
    tmp_path: Path, declared: int
) -> None:
    path = write_video(tmp_path / "video.avi", smooth_frames(20))
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    every = clips(path, protocol)
    declare(path, frames=20, instead=declared)
    assert torch.equal(clips(path, protocol, n_clips=3), every[[0, 2, 4]])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"max_video_mib": 0.001}, "too large: .* MiB, at most 0.001"),
        ({"max_video_frames": 19}, "too long: 20 frames, at most 19"),
        ({"max_megapixels": 0.001}, "frames too large: 48x36"),
        ({"max_decode_seconds": 1e-9}, "takes too long to decode: 1 frames"),
    ],
)
def test_limits_are_named(tmp_path: Path, changed: dict[str, float], reason: str) -> None:
    path = write_video(tmp_path / "video.avi", smooth_frames(20))
    limits = dataclasses.replace(LIMITS, **changed)  # type: ignore[arg-type]
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    with pytest.raises(BadVideoError, match=reason):
        clips(path, protocol, limits=limits)


def test_frames_are_counted_where_the_file_declares_too_few(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.avi", smooth_frames(20))
    declare(path, frames=20, instead=2)
    limits = dataclasses.replace(LIMITS, max_video_frames=10)
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    with pytest.raises(BadVideoError, match="too long"):
        clips(path, protocol, limits=limits)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"this is no video at all", "not a video"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a video"),
        (b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(100), "not a readable video|zero frames"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(100), "not a readable video|zero frames"),
        (b"\x1a\x45\xdf\xa3" + bytes(100), "not a readable video|zero frames"),
    ],
)
def test_what_is_no_video(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "video.avi"
    path.write_bytes(content)
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    with pytest.raises(BadVideoError, match=reason):
        clips(path, protocol)


@pytest.mark.parametrize("declared", [6000, 32])
def test_a_large_picture_in_a_small_file_is_refused(tmp_path: Path, declared: int) -> None:
    path = tmp_path / "bomb.avi"
    path.write_bytes(motion_jpeg([black_jpeg(6000, 6000)], height=declared, width=declared))
    assert path.stat().st_size < 1_000_000
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    with pytest.raises(BadVideoError, match="frames too large: 6000x6000"):
        clips(path, protocol)


def test_frames_that_suddenly_grow_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.avi"
    path.write_bytes(growing_bomb(6000))
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    with pytest.raises(BadVideoError, match="frames too large: 6000x6000"):
        clips(path, protocol)


def test_time_is_that_of_decoding_and_not_of_what_is_done_with_the_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, passed = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock() + passed[0])
    path = write_video(tmp_path / "video.avi", smooth_frames(8))
    limits = dataclasses.replace(LIMITS, max_decode_seconds=HANG_S)
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    found = clips_of_file(path, protocol, short_side=20, limits=limits)
    next(found)
    passed[0] = 2 * HANG_S
    assert len(list(found)) == 1


def test_containers_by_their_first_bytes(tmp_path: Path) -> None:
    for suffix, codec in ((".avi", "MJPG"), (".mkv", "FFV1"), (".mp4", "mp4v")):
        path = write_video(tmp_path / f"video{suffix}", smooth_frames(3), codec=codec)
        assert container_suffix(path.read_bytes()[:16]) == suffix
    assert container_suffix(b"") is None


def test_the_clips_are_those_of_a_raw_frame_store(tmp_path: Path) -> None:
    write_tree(tmp_path / "videos")
    dataset = prepare_tree(tmp_path, store="raw", short_side=20)
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    videos = dataset.videos("test")
    assert videos
    for record in videos:
        stored = protocol.clips(dataset.frames(record, range(record.n_frames)))
        (path,) = (tmp_path / "videos").rglob(f"{record.id}.avi")
        assert torch.equal(clips(path, protocol), stored)


def test_rate_and_frames_are_known_after_the_last_clip(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.avi", smooth_frames(10), fps=12.5)
    protocol = ClipProtocol(sample_size=16, sample_duration=4)
    video = StreamedVideo(path, protocol, short_side=20, limits=LIMITS)
    assert (video.fps, video.frames) == (0, 0)
    assert len(list(video.read())) == 3
    assert (video.fps, video.frames) == (12.5, 10)
    resampled = StreamedVideo(path, protocol, short_side=20, limits=LIMITS, fps=25)
    assert len(list(resampled.read())) == 5
    assert (resampled.fps, resampled.frames) == (25, 20)


def test_limits_say_how_a_video_is_read() -> None:
    limits = ServingOptions(max_megapixels=2, min_decoded_share=0.25)
    reading = reading_within(limits, 10)
    assert (reading.fps, reading.max_pixels, reading.min_decoded_share) == (10, 2e6, 0.25)
