"""Which videos lie under a folder: files by suffix or content, and folders of JPEG frames."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from vcc.data.annotations.ids import composed
from vcc.data.annotations.names import is_text
from vcc.data.decoding.containers import VIDEO_SUFFIXES
from vcc.data.decoding.video_file import holds_video
from vcc.errors import DataError, printable

# Folders that Macs, Windows and network disks make beside what people put there.
_SYSTEM = (
    "__macosx", "$recycle.bin", "system volume information", "lost+found", "@eadir", "#recycle",
    "__pycache__", "thumbs.db", "desktop.ini",
)  # fmt: skip
_IMAGES = (".jpg", ".jpeg", ".png", ".bmp")

# Kinds of files that are named in a note.
_KINDS = 5


@dataclass(frozen=True)
class FoundVideo:
    """A video in the tree: its path, the folders from the root to it, its name without suffix.

    Names are in composed Unicode, the path is as the file system has it.
    """

    path: Path
    folders: tuple[str, ...]
    stem: str


@dataclass(frozen=True)
class BadFile:
    """A file or an annotation entry that cannot be used, and why.

    `name` is its path under the folder of videos, or what the annotation calls it.
    """

    # Whether `max_bad_share` is about it.
    counts: ClassVar[bool] = True

    name: str
    reason: str


class LeftOutFile(BadFile):
    """A file that the user asked to leave out: reported, and not held to be bad."""

    counts = False


@dataclass
class Found:
    """What lies under a folder.

    Attributes:
        videos: sorted by path.
        bad: what must not be read.
        links: folders, as paths below the root, that are links to outside; they are in `bad` too.
        unread: files that are no videos, as paths below the root.
        unfollowed: folders that are links to other folders below the root.
    """

    videos: list[FoundVideo] = field(default_factory=list)
    bad: list[BadFile] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)
    unfollowed: list[Path] = field(default_factory=list)

    def notes(self) -> list[str]:
        """Return a line per kind of what was passed over."""
        notes = []
        if self.unread:
            kinds = Counter(path.suffix.casefold() or "without suffix" for path in self.unread)
            common = kinds.most_common(_KINDS)
            named = [f"{count} {printable(kind)}" for kind, count in common]
            if rest := len(self.unread) - sum(count for _, count in common):
                named.append(f"{rest} others")
            notes.append(
                f"{_counted(len(self.unread), 'file')} not read: {', '.join(named)}, "
                f"such as {_name(self.unread[0])!r}"
            )
        if self.unfollowed:
            notes.append(
                f"{_counted(len(self.unfollowed), 'linked folder')} not followed, since what is "
                f"linked lies in the same folder: such as {_name(self.unfollowed[0])!r}"
            )
        return notes


def find_videos(root: Path, *, ignored: Path | None = None) -> Found:
    """Return the videos under a folder, and what is not read there.

    A file is a video by its suffix, or by its content whatever its suffix. Hidden files are passed
    over. Links are followed as long as they stay under the root.

    Args:
        root: the folder.
        ignored: a file that is known to be no video, or a folder of such: the annotation.

    Raises:
        DataError: the folder is missing, or holds no video that may be read.
    """
    if not root.is_dir():
        where = "" if root.is_absolute() else f" (looked for at {root.resolve()})"
        what = "is a file, no folder of videos" if root.exists() else "no such folder of videos"
        msg = f"{root}: {what}{where}; give one with videos=DIR"
        raise DataError(msg)
    found = Found()
    for path in _walk(root):
        _sort_in(path, root, found)
    if ignored is not None:
        lists = {path for path in found.unread if _belongs(root / path, ignored)}
        found.unread = [path for path in found.unread if path not in lists]
    if found.links and not found.videos:
        msg = f"{root}: no videos there: {linked_outside(found.links, root)}"
        raise DataError(msg)
    if not found.videos and not found.bad:
        kinds = ", ".join(sorted(suffix[1:] for suffix in VIDEO_SUFFIXES))
        passed = "".join(f"; {note}" for note in found.notes())
        frames = any(path.suffix.casefold() in _IMAGES for path in found.unread)
        named = "; frames are read as CLASS/VIDEO/image_00001.jpg and so on: rename them"
        msg = (
            f"{root}: no videos there{passed}{named if frames else ''}; expected CLASS/VIDEO, such "
            f"as {kinds} files"
        )
        raise DataError(msg)
    return found


def linked_outside(links: list[Path], root: Path) -> str:
    """Return what is wrong with folders that are links to outside, and what to do."""
    first = links[0]
    more = f" and {len(links) - 1} more" if len(links) > 1 else ""
    return (
        f"{_name(first)!r}{more}: {_leads_out(root / first)}; move or copy the videos there, or "
        "give the folder that holds them with videos=DIR"
    )


def _leads_out(path: Path) -> str:
    return f"is a link that leaves the video folder, to {printable(str(path.resolve()))}"


def _counted(count: int, noun: str) -> str:
    return f"1 {noun} was" if count == 1 else f"{count} {noun}s were"


def _name(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _belongs(path: Path, annotation: Path) -> bool:
    return annotation.exists() and annotation.resolve() in (path.resolve(), path.parent.resolve())


def _sort_in(path: Path, root: Path, found: Found) -> None:
    relative = path.relative_to(root)
    is_inside = path.resolve().is_relative_to(root.resolve())
    if path.is_symlink() and path.is_dir() and not is_inside:
        found.links.append(relative)
        found.bad.append(BadFile(_name(relative), _leads_out(path)))
    elif path.is_symlink() and path.is_dir():
        # It could be a loop.
        found.unfollowed.append(relative)
    elif not _is_video(path, may_open=is_inside):
        found.unread.append(relative)
    elif not is_text(str(relative)):
        found.bad.append(BadFile(os.fsencode(relative).decode("latin-1"), "name is not UTF-8"))
    elif path.exists() and not (path.is_file() or path.is_dir()):
        # A pipe or a device: opening it may wait for ever.
        found.bad.append(BadFile(str(relative), "is not a regular file"))
    elif not is_inside:
        found.bad.append(BadFile(str(relative), _leads_out(path)))
    else:
        stem = path.name if path.is_dir() else path.stem
        folders = tuple(map(composed, relative.parts[:-1]))
        found.videos.append(FoundVideo(path, folders, composed(stem)))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield files, frame folders, and folders that are links."""
    for entry in sorted(os.scandir(folder), key=lambda item: item.name):
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name.casefold() in _SYSTEM:
            continue
        if entry.is_dir(follow_symlinks=False) and not _is_frame_folder(path):
            yield from _walk(path)
        else:
            yield path


def _is_frame_folder(path: Path) -> bool:
    return (path / "n_frames").is_file() or (path / "image_00001.jpg").is_file()


def _is_video(path: Path, *, may_open: bool) -> bool:
    """Return whether a path is to be decoded: what is called a video is, be it broken or not."""
    if path.suffix.casefold() in VIDEO_SUFFIXES or path.is_dir():
        return True
    return may_open and path.is_file() and holds_video(path)
