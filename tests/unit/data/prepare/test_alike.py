"""Test videos that look like training videos are named; what is merely similar is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_videos import smooth_frames, write_tree, write_video

from vcc.config.data import PrepareOptions
from vcc.data.prepare.alike import Look, Seen, look_alikes
from vcc.data.prepare.run import prepare


def look_of(frames: np.ndarray) -> str:
    look = Look()
    for frame in frames:
        look.add(frame)
    return look.text()


def seen(name: str, subset: str, frames: np.ndarray, **changed: object) -> Seen:
    values = {"name": name, "subset": subset, "n_frames": len(frames), "look": look_of(frames)}
    return Seen(**{**values, "sha256": name, **changed})  # type: ignore[arg-type]


def noisy(frames: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 3, frames.shape)
    return (frames + noise).clip(0, 255).astype(np.uint8)


def test_the_same_pictures_encoded_anew_are_named() -> None:
    frames = smooth_frames(9, seed=1)
    others = [seen(str(number), "train", smooth_frames(9, seed=number)) for number in range(2, 40)]
    found = look_alikes([*others, seen("a", "dev", frames), seen("b", "test", noisy(frames))])
    assert found == [
        "perhaps a leak: 1 test videos look like training videos of the same length, encoded "
        "anew: 'b' (test) looks like 'a': look at them"
    ]


def test_what_is_not_such_a_copy_is_not_named() -> None:
    frames = smooth_frames(9, seed=1)
    one = seen("a", "train", frames)
    assert look_alikes([one, seen("b", "test", frames, sha256="a")]) == []
    assert look_alikes([one, seen("b", "test", frames, n_frames=11)]) == []
    assert look_alikes([one, seen("b", "test", frames, look="")]) == []
    assert look_alikes([one, seen("b", "train", frames)]) == []
    assert look_alikes([]) == []
    # Nothing is seen of a dark room.
    black = np.zeros_like(frames)
    assert look_alikes([seen("a", "train", black), seen("b", "test", black)]) == []


def test_many_are_counted_and_some_named() -> None:
    videos = []
    for number in range(7):
        frames = smooth_frames(9, seed=number)
        videos += [seen(f"a{number}", "train", frames), seen(f"b{number}", "test", noisy(frames))]
    (note,) = look_alikes(videos)
    assert note.startswith("perhaps a leak: 7 test videos")
    assert "and 2 more" in note


@pytest.mark.parametrize("codec", ["MJPG", "mp4v"])
def test_prepare_names_a_copy_of_another_codec_and_size(tmp_path: Path, codec: str) -> None:
    frames = smooth_frames(20, height=72, width=96, seed=5)
    write_tree(tmp_path / "videos", frames=20)
    write_video(tmp_path / "videos" / "run" / "v_run_g20_c01.avi", frames)
    smaller = frames[:, ::2, ::2]
    suffix = {"MJPG": "avi", "mp4v": "mp4"}[codec]
    write_video(tmp_path / "videos" / "run" / f"v_run_g02_c01.{suffix}", smaller, codec=codec)
    options = PrepareOptions(videos=tmp_path / "videos", output=tmp_path / "data", n_jobs=1)
    notes = [note for note in prepare(options).notes if note.startswith("perhaps a leak")]
    (note,) = notes
    assert f"'run/v_run_g02_c01.{suffix}' (test) looks like 'run/v_run_g20_c01.avi'" in note
    assert "perhaps a leak: 1 test" in note


def test_the_built_in_videos_do_not_look_alike(tmp_path: Path) -> None:
    options = PrepareOptions(
        output=tmp_path / "data", n_jobs=1, motion_classes=4, motion_clips=2, motion_frames=9,
        motion_width=48, motion_height=36, short_side=36,
    )  # fmt: skip
    assert not [note for note in prepare(options).notes if note.startswith("perhaps a leak")]
