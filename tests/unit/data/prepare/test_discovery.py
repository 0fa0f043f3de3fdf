"""What is found under a folder: videos by suffix or content, and what is passed over and why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from data_videos import smooth_frames, write_video
from recordings import record

from vcc.data.prepare.discovery import find_videos
from vcc.errors import DataError


def named(root: Path) -> list[str]:
    return [video.path.relative_to(root).as_posix() for video in find_videos(root).videos]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.flv", "flv"), ("a.ts", "mpeg2video"), ("a.3gp", "mpeg4"), ("a.wmv", "msmpeg4v3"),
     ("a.mpg", "mpeg2video"), ("a.vob", "mpeg2video"), ("a.m2ts", "mpeg2video")],
)  # fmt: skip
@pytest.mark.parametrize("called", ["", "clip", "clip.dat"])
def test_a_video_by_content(tmp_path: Path, name: str, codec: str, called: str) -> None:
    path = record(tmp_path / name, smooth_frames(5, height=288, width=352), codec=codec)
    path = path.rename(tmp_path / (called or name))
    assert named(tmp_path) == [path.name]


def test_what_is_no_video_is_counted_and_named(tmp_path: Path) -> None:
    write_video(tmp_path / "run" / "a.avi", smooth_frames(3))
    for number in range(12):
        (tmp_path / "run" / f"{number:02d}.txt").write_text("notes")
    for number in range(2):
        (tmp_path / f"b{number}.JPG").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "README").write_text("more")
    (tmp_path / ".hidden").write_text("not counted")
    found = find_videos(tmp_path)
    assert [video.folders for video in found.videos] == [("run",)]
    assert found.notes() == [
        "15 files were not read: 12 .txt, 2 .jpg, 1 without suffix, such as 'README'"
    ]


def test_folders_that_systems_make_are_passed_over(tmp_path: Path) -> None:
    for folder in ("run", "__MACOSX/run", "@eaDir", "$RECYCLE.BIN", ".trash"):
        write_video(tmp_path / folder / "a.avi", smooth_frames(3))
    (tmp_path / "Thumbs.db").write_text("pictures")
    assert named(tmp_path) == ["run/a.avi"]
    assert find_videos(tmp_path).notes() == []


def test_frames_of_other_names_are_told(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "img_00001.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DataError, match=r"frames are read as CLASS/VIDEO/image_00001\.jpg and so"):
        find_videos(tmp_path)


def test_sound_and_pictures_in_the_same_containers_are_no_videos(tmp_path: Path) -> None:
    frames = smooth_frames(3)
    record(tmp_path / "a.mkv", frames, sound_seconds=0.2)
    heif = b"\x00\x00\x00\x18ftypheic" + bytes(60)
    (tmp_path / "still.heic").write_bytes(heif)
    (tmp_path / "play.list").write_text("#EXTM3U\n")
    (tmp_path / "cut").write_bytes((tmp_path / "a.mkv").read_bytes()[:60])
    assert named(tmp_path) == ["a.mkv"]
    assert len(find_videos(tmp_path).unread) == 3


def test_what_is_called_a_video_is_judged_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    assert named(tmp_path) == ["a.mp4"]


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.avi")
    os.mkfifo(tmp_path / "b")
    write_video(tmp_path / "c.avi", smooth_frames(3))
    found = find_videos(tmp_path)
    assert [video.path.name for video in found.videos] == ["c.avi"]
    assert [(bad.name, bad.reason) for bad in found.bad] == [("a.avi", "is not a regular file")]


def test_names_are_composed_and_paths_as_they_are(tmp_path: Path) -> None:
    path = write_video(tmp_path / "cafe\u0301" / "e\u0301.avi", smooth_frames(3))
    (video,) = find_videos(tmp_path).videos
    assert (video.folders, video.stem, video.path) == (("caf\u00e9",), "\u00e9", path)


def test_the_annotation_is_not_counted(tmp_path: Path) -> None:
    write_video(tmp_path / "run" / "a.avi", smooth_frames(3))
    (tmp_path / "labels.csv").write_text("x")
    assert find_videos(tmp_path, ignored=tmp_path / "labels.csv").notes() == []
    assert find_videos(tmp_path, ignored=tmp_path).notes() == []
    (note,) = find_videos(tmp_path, ignored=tmp_path / "none.csv").notes()
    assert note == "1 file was not read: 1 .csv, such as 'labels.csv'"


def test_linked_folders(tmp_path: Path) -> None:
    inside, outside = tmp_path / "videos", tmp_path / "elsewhere"
    write_video(inside / "run" / "a.avi", smooth_frames(3))
    write_video(outside / "b.avi", smooth_frames(3))
    (inside / "walk").symlink_to(outside)
    (inside / "again").symlink_to(inside / "run")
    found = find_videos(inside)
    assert len(found.videos) == 1
    assert [path.name for path in found.links] == ["walk"]
    assert found.bad[0].reason == f"is a link that leaves the video folder, to {outside}"
    (note,) = found.notes()
    assert note.startswith("1 linked folder was not followed")
    assert "'again'" in note


def test_nothing_but_links_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for name in ("fight", "noFight"):
        write_video(tmp_path / "disk" / name / "a.avi", smooth_frames(3))
        (tmp_path / "videos" / name).symlink_to(tmp_path / "disk" / name)
    with pytest.raises(DataError, match="'fight' and 1 more: is a link that leaves") as caught:
        find_videos(tmp_path / "videos")
    assert "move or copy the videos there" in str(caught.value)


def test_nothing_there_names_what_was_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"no videos there; 1 file was not read: 1 \.zip"):
        find_videos(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_bytes(b"video")
    with pytest.raises(DataError, match="is a file, no folder of videos"):
        find_videos(tmp_path / "a.avi")
