"""Recordings as people have them: every frame that is shown, upright and in the right colours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from bad_videos import black_jpeg, motion_jpeg
from data_videos import smooth_frames
from recordings import cut, levels, record

from vcc.data.clips.resizing import Frame
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.reading import Reading
from vcc.data.decoding.video_file import VideoFile, _limits, count_frames

FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="the ffmpeg program is not installed")


def by_ffmpeg(path: Path, height: int, width: int) -> np.ndarray:
    """Return the frames that the ffmpeg program shows."""
    words = [str(FFMPEG), "-v", "error", "-i", str(path), "-fps_mode", "passthrough"]
    done = subprocess.run(
        [*words, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True
    )
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)


def frames_of(path: Path, **reading: float) -> tuple[VideoFile, list[Frame]]:
    video = VideoFile(path, Reading(**reading))
    return video, list(video.frames())


@pytest.mark.parametrize(
    "name",
    ["edit_trim.mp4", "interlaced.mp4", "longaudio.mkv", "vfr.webm", "webm_named.mp4"]
    + ["vfr_skip.avi"],
)
def test_shared_cases(shared: Path, name: str) -> None:
    folder = shared / "cases" / "decoding"
    if not folder.is_dir():
        pytest.skip("the shared cases are not there")
    expected = json.loads((folder / "expected.json").read_text())[name]
    video, frames = frames_of(folder / name)
    assert len(frames) == expected["frames"]
    assert not video.cut
    assert video.variable_rate == name.startswith(("vfr", "webm"))
    for place, frame in (
        ("first", frames[0]),
        ("middle", frames[len(frames) // 2]),
        ("last", frames[-1]),
    ):
        assert frame.shape[:2] == (expected["height"], expected["width"])
        small = cv2.resize(frame, (8, 8), interpolation=cv2.INTER_AREA)[:, :, ::-1]
        assert np.abs(small.astype(int) - expected[place]).max() <= 3


# Matrices BT.601, 709 and 2020, ranges limited and full, by FFmpeg's numbers.
@needs_ffmpeg
@pytest.mark.parametrize("colours", [(2, 0), (1, 1), (1, 2), (6, 1), (6, 2), (9, 1), (9, 2)])
@pytest.mark.parametrize("size", [(36, 48), (35, 47)])
def test_pixels_are_those_of_ffmpeg(
    tmp_path: Path, colours: tuple[int, int], size: tuple[int, int]
) -> None:
    height, width = size
    frames = smooth_frames(3, height=height, width=width)
    path = record(tmp_path / "video.mkv", frames, colours=colours)
    assert levels(frames_of(path)[1], by_ffmpeg(path, height, width)) <= 1


@needs_ffmpeg
@pytest.mark.parametrize(
    "pixels", ["yuv422p", "yuv444p", "yuv420p10le", "gray", "yuva420p", "bgr0", "yuv410p"]
)
def test_forms_of_pixels_are_those_of_ffmpeg(tmp_path: Path, pixels: str) -> None:
    path = record(tmp_path / "video.mkv", smooth_frames(3, height=35, width=47), pixels=pixels)
    assert levels(frames_of(path)[1], by_ffmpeg(path, 35, 47)) <= 1


def test_colours_come_back(tmp_path: Path) -> None:
    grey = np.full((2, 16, 16, 3), (200, 100, 50), np.uint8)
    for colours in ((1, 1), (6, 2), (9, 1)):
        path = record(tmp_path / "video.mkv", grey, pixels="yuv444p", colours=colours)
        assert levels(frames_of(path)[1], grey) <= 3


@needs_ffmpeg
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_interlaced_pictures_are_those_of_ffmpeg_every_time(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "video.mkv"
    source = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=0.4"]
    made = ["-c:v", codec, "-pix_fmt", "yuv420p", "-flags", "+ildct+ilme", "-field_order", "tt"]
    words = [str(FFMPEG), "-v", "error", *source, *made]
    if codec == "libx264":
        words += ["-x264opts", "interlaced=1"]
    subprocess.run([*words, str(path)], check=True)
    with av.open(str(path)) as media:
        assert next(media.decode(video=0)).interlaced_frame
    first, second = frames_of(path)[1], frames_of(path)[1]
    assert levels(first, by_ffmpeg(path, 64, 96)) <= 1
    assert np.array_equal(first, second)


@needs_ffmpeg
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_pictures_are_turned_upright(tmp_path: Path, rotation: int) -> None:
    path = record(tmp_path / "video.mp4", codec="mpeg4", rotation=rotation)
    height, width = (36, 48) if rotation == 180 else (48, 36)
    video, frames = frames_of(path)
    assert (video.height, video.width) == (height, width)
    assert levels(frames, by_ffmpeg(path, height, width)) <= 1


@pytest.mark.parametrize("suffix", ["webm", "mp4", "avi"])
def test_a_variable_rate_keeps_its_frames_or_goes_by_time(tmp_path: Path, suffix: str) -> None:
    codec, pixels = {"webm": ("libvpx", "yuv420p")}.get(suffix, ("mpeg4", "yuv420p"))
    times = [0, 40, 400, 440, 480, 1200, 1240, 1280, 1320, 2000]
    path = record(tmp_path / f"video.{suffix}", codec=codec, pixels=pixels, times=times)
    if suffix != "avi":
        path = path.rename(tmp_path / "other_suffix.avi")
    video, frames = frames_of(path)
    assert len(frames) == 10
    assert video.variable_rate
    assert not video.cut
    _, even = frames_of(path, fps=25)
    assert 51 <= len(even) <= 52
    assert all(np.array_equal(even[k], frames[1]) for k in range(1, 10))
    assert np.array_equal(even[10], frames[2])


def test_sound_that_lasts_longer_is_no_cut(tmp_path: Path) -> None:
    path = record(tmp_path / "video.mkv", sound_seconds=2.0)
    video, frames = frames_of(path)
    assert len(frames) == 10
    assert not video.cut


def test_one_frame(tmp_path: Path) -> None:
    path = record(tmp_path / "video.mkv", smooth_frames(1))
    assert len(frames_of(path)[1]) == len(frames_of(path, fps=25)[1]) == 1


@pytest.mark.skipif("libsvtav1" not in av.codecs_available, reason="PyAV cannot write AV1 here")
def test_av1(tmp_path: Path) -> None:
    frames = smooth_frames(5, height=64, width=64)
    path = record(tmp_path / "video.mp4", frames, codec="libsvtav1")
    assert len(frames_of(path)[1]) == 5


def test_a_codec_that_is_not_known_is_named(tmp_path: Path) -> None:
    path = record(tmp_path / "video.avi", codec="mpeg4")
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"ZZZZ"))
    with pytest.raises(BadVideoError, match="codec cannot be decoded: .*ZZZZ"):
        VideoFile(path)


@pytest.mark.parametrize(
    ("suffix", "codec", "container"),
    [
        ("mkv", "ffv1", {}),
        ("avi", "mjpeg", {}),
        ("mp4", "mpeg4", {"movflags": "faststart"}),
        ("mp4", "mpeg4", {"movflags": "frag_keyframe+empty_moov"}),
    ],
)
def test_a_cut_file_is_used_up_to_the_cut(
    tmp_path: Path, suffix: str, codec: str, container: dict[str, str]
) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    # A fragment per 10 frames: the cut falls into one, and not between two.
    options = {"g": "10" if container.get("movflags", "").startswith("frag") else "1"}
    name = tmp_path / f"video.{suffix}"
    path = record(
        name, smooth_frames(40), codec=codec, pixels=pixels, options=options, container=container
    )
    whole = frames_of(path)[1]
    assert len(whole) == 40
    video, frames = frames_of(cut(path, 0.8), min_decoded_share=0.5)
    assert 20 < len(frames) < 40
    assert np.array_equal(frames[:20], whole[:20])
    assert video.cut
    if container != {"movflags": "frag_keyframe+empty_moov"}:
        with pytest.raises(BadVideoError, match=r"truncated: \d+ of 4\d frames"):
            frames_of(path, min_decoded_share=0.95)


@pytest.mark.parametrize("first", [0, 3])
def test_no_room_is_made_for_a_picture_that_is_far_too_large(tmp_path: Path, first: int) -> None:
    pictures = [black_jpeg(32, 32)] * first + [black_jpeg(900, 1200)]
    path = tmp_path / "bomb.avi"
    path.write_bytes(motion_jpeg(pictures, height=32, width=32))
    reading = Reading(max_pixels=40_000)

    def read() -> list[Frame]:
        return list(VideoFile(path, reading).frames())

    with pytest.raises(BadVideoError, match="frames too large: 1200x900 pixels"):
        read()
    # The decoder itself was told, and refuses the picture.
    with av.open(str(path), options=_limits(reading)) as media:
        media.streams.video[0].codec_context.options = _limits(reading)
        with pytest.raises(av.FFmpegError):
            list(media.decode(video=0))


def test_the_size_is_looked_at_before_pixels_are_made(tmp_path: Path) -> None:
    path = record(tmp_path / "video.mkv")
    with pytest.raises(BadVideoError, match="frames too large: 48x36"):
        VideoFile(path, Reading(max_pixels=1000))


def test_frames_are_counted_without_decoding(tmp_path: Path) -> None:
    assert count_frames(record(tmp_path / "video.mkv")) == 10


def test_titles_in_other_encodings(tmp_path: Path) -> None:
    path = record(tmp_path / "video.avi", codec="mpeg4")
    data = path.read_bytes()
    at = data.index(b"Lavf")
    path.write_bytes(data[:at] + b"\xe9\xe8\xff\xfe" + data[at + 4 :])
    assert len(frames_of(path)[1]) == 10


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = cut(record(tmp_path / "video.avi", codec="mpeg4"), 0.8)
    frames_of(path, min_decoded_share=0.0)
    assert capfd.readouterr() == ("", "")


@needs_ffmpeg
def test_a_broadcast_cut_anywhere_begins_with_its_first_whole_picture(tmp_path: Path) -> None:
    whole = tmp_path / "whole.ts"
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=1"]
    code = ["-c:v", "mpeg2video", "-g", "5", "-bf", "0"]
    subprocess.run([str(FFMPEG), "-v", "error", *source, *code, str(whole)], check=True)
    cut_off = tmp_path / "cut.ts"
    cut_off.write_bytes(whole.read_bytes()[1001:])

    expected, (_, found) = frames_of(whole)[1], frames_of(cut_off)

    assert len(expected) - 5 <= len(found) < len(expected)
    np.testing.assert_array_equal(np.stack(found), np.stack(expected[-len(found) :]))


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a.h264", ["-c:v", "libx264", "-bf", "2", "-pix_fmt", "yuv420p"]),
        ("a.y4m", ["-pix_fmt", "yuv420p"]),
        ("a.ivf", ["-c:v", "libvpx"]),
    ],
)
def test_streams_without_times(tmp_path: Path, name: str, code: list[str]) -> None:
    path = tmp_path / name
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=0.8"]
    subprocess.run([str(FFMPEG), "-v", "error", *source, *code, str(path)], check=True)
    video, frames = frames_of(path)
    assert len(frames) == 20
    assert video.fps == 25
    assert not video.variable_rate
    assert not video.cut
    assert len(frames_of(path, fps=5)[1]) == 4


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv"])
@pytest.mark.parametrize("rate", ["1000", "1/60"])
def test_very_high_and_low_rates(tmp_path: Path, suffix: str, rate: str) -> None:
    path = tmp_path / f"a.{suffix}"
    source = ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate={rate}", "-frames:v", "5"]
    code = ["-c:v", "mpeg4" if rate == "1000" else "mjpeg"]
    subprocess.run([str(FFMPEG), "-v", "error", *source, *code, str(path)], check=True)
    video, frames = frames_of(path)
    assert len(frames) == 5
    assert video.fps == pytest.approx(float(Fraction(rate)))
    assert not video.variable_rate


def test_frames_of_a_slide_show_are_not_guessed(tmp_path: Path) -> None:
    times = [0, 10_000, 13_000, 31_000, 50_000]
    path = record(tmp_path / "a.webm", smooth_frames(5), codec="libvpx", times=times)
    video, frames = frames_of(path)
    assert len(frames) == 5
    assert video.variable_rate
    assert video.declared == 0


def test_what_is_cut_is_told_in_recorded_frames(tmp_path: Path) -> None:
    path = cut(record(tmp_path / "a.avi", smooth_frames(40), codec="mjpeg", pixels="yuvj420p"), 0.8)
    video, frames = frames_of(path, fps=5)
    assert len(frames) < 10
    assert re.match(r"3\d of 40 frames: ", video.cut)


@needs_ffmpeg
def test_a_broadcast_that_ends_inside_a_packet_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=1"]
    code = ["-c:v", "libx265", "-x265-params", "log-level=none", "-preset", "ultrafast"]
    subprocess.run([str(FFMPEG), "-v", "error", *source, *code, str(path)], check=True)
    assert not frames_of(path)[0].cut
    path.write_bytes(path.read_bytes()[: 188 * 60 + 57])
    assert frames_of(path)[0].cut.endswith("frames: the file ends inside a packet")


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["ts", "mpg"])
def test_joined_recordings_are_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=1"]
    code = ["-c:v", "mpeg2video", "-bf", "2"]
    subprocess.run([str(FFMPEG), "-v", "error", *source, *code, str(path)], check=True)
    data = path.read_bytes()
    path.write_bytes(data + data)
    video, frames = frames_of(path)
    assert len(frames) == 50
    assert not video.cut
    assert not video.variable_rate
    assert len(frames_of(path, fps=5)[1]) == 10
    # A packet that was lost in between is damage.
    path.write_bytes(data[: 188 * 40] + data[188 * 43 :])
    assert frames_of(path, min_decoded_share=0)[0].cut
