"""Which videos lie under a folder: files by suffix, and the thesis's folders of JPEG frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vcc.data.annotations.names import is_text
from vcc.data.decoding.containers import VIDEO_SUFFIXES
from vcc.errors import DataError


@dataclass(frozen=True)
class FoundVideo:
    """A video in the tree: its path, the first folder below the root ("" at the root), its name."""

    path: Path
    folder: str
    stem: str


@dataclass(frozen=True)
class BadFile:
    """A file or an annotation entry that cannot be used, and why."""

    name: str
    reason: str


def find_videos(root: Path) -> tuple[list[FoundVideo], list[BadFile]]:
    """Return the videos under a folder, sorted by path, and those that must not be read.

    Hidden files and files that no suffix marks as a video are passed over. Links are followed as
    long as they stay under the root.

    Raises:
        DataError: the folder is missing or holds no video.
    """
    if not root.is_dir():
        where = "" if root.is_absolute() else f" (looked for at {root.resolve()})"
        msg = f"{root}: no such folder of videos{where}; give one with videos=DIR"
        raise DataError(msg)
    base = root.resolve()
    found: list[FoundVideo] = []
    bad: list[BadFile] = []
    for path in _walk(root, root):
        relative = path.relative_to(root)
        if not is_text(str(relative)):
            bad.append(BadFile(os.fsencode(relative).decode("latin-1"), "name is not UTF-8"))
        elif not path.resolve().is_relative_to(base):
            bad.append(BadFile(str(relative), "leaves the video folder"))
        else:
            folder = relative.parts[0] if len(relative.parts) > 1 else ""
            stem = path.name if path.is_dir() else path.stem
            found.append(FoundVideo(path, folder, stem))
    if not found and not bad:
        kinds = ", ".join(sorted(suffix[1:] for suffix in VIDEO_SUFFIXES))
        msg = f"{root}: no videos there; expected CLASS/VIDEO with one of the suffixes {kinds}"
        raise DataError(msg)
    return found, bad


def _walk(folder: Path, root: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda item: item.name):
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        if path.suffix.lower() in VIDEO_SUFFIXES and not entry.is_dir():
            yield path
        elif entry.is_dir(follow_symlinks=False):
            yield from [path] if _is_frame_folder(path) else _walk(path, root)
        elif entry.is_dir() and not path.resolve().is_relative_to(root.resolve()):
            # One bad file. A linked folder that stays inside is passed over: it could be a loop.
            yield path


def _is_frame_folder(path: Path) -> bool:
    return (path / "n_frames").is_file() or (path / "image_00001.jpg").is_file()
