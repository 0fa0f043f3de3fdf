"""The manifest of a prepared data set: what is in it, and checksums to prove it.

One JSON file per data set, with a row per video, written whole or not at all. Nothing in it depends
on where or when it was made, so that its digest names the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

from vcc.errors import DataError
from vcc.files import write_whole

MANIFEST_NAME = "manifest.json"
FRAMES_NAME = "frames"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """A prepared video: class number and name, subset (train, dev or test) and stored size.

    `fps` is 0 where the source does not say; `file` is relative to the data set's folder.
    """

    id: str
    label: int
    label_name: str
    group: str
    subset: str
    n_frames: int
    fps: float
    height: int
    width: int
    file: str
    checksum: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A prepared data set; `pixel_mean` and `pixel_std` are RGB, 0 to 255, of training videos."""

    name: str
    split: str
    labels: tuple[str, ...]
    store: str
    short_side: int
    direction_sensitive: bool
    pixel_mean: tuple[float, ...]
    pixel_std: tuple[float, ...]
    videos: tuple[VideoRecord, ...]
    # Of the resampled videos; 0 where each kept its own frames.
    fps: float = 0.0

    def content(self) -> dict[str, Any]:
        """Return plain JSON types, videos as rows under `columns`."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "videos"}
        if not self.fps:
            # So that the digest of data from before there was a choice stays the same.
            del plain["fps"]
        columns = [field.name for field in fields(VideoRecord)]
        rows = [list(astuple(video)) for video in self.videos]
        return {"format": FORMAT, **plain, "columns": columns, "videos": rows}

    @property
    def digest(self) -> str:
        """SHA-256 of the content, independent of place, time and layout of the file."""
        text = json.dumps(self.content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def write_manifest(manifest: Manifest, root: Path) -> Path:
    """Write the manifest of a data set into its folder, replacing an older one at once."""
    path = root / MANIFEST_NAME
    content = manifest.content()
    rows = ",\n".join(json.dumps(row) for row in content.pop("videos"))
    head = json.dumps({"digest": manifest.digest, **content}, indent=1)
    write_whole(path, f'{head[:-2]},\n "videos": [\n{rows}\n]\n}}\n')
    return path


def read_manifest(root: Path) -> Manifest:
    """Read the manifest of a prepared data set.

    Raises:
        DataError: it is missing, of another format, damaged or edited.
    """
    path = root / MANIFEST_NAME
    try:
        content = json.loads(path.read_text("utf-8"), parse_constant=_no_number)
    except OSError:
        where = "" if root.is_absolute() else f" (looked for in {root.resolve()})"
        msg = f"{root}: no prepared data there{where}; make it with {prepare_command()}"
        raise DataError(msg) from None
    except (ValueError, RecursionError) as error:
        msg = f"{path}: damaged ({error}); rebuild it with {prepare_command()}"
        raise DataError(msg) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        msg = f"{path}: not a manifest of format {FORMAT}; rebuild it with {prepare_command()}"
        raise DataError(msg)
    try:
        manifest = _from_content(content)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path}: damaged ({error!r}); rebuild it with {prepare_command()}"
        raise DataError(msg) from None
    if manifest.digest != content.get("digest"):
        msg = f"{path}: was edited: its digest does not match; rebuild it with {prepare_command()}"
        raise DataError(msg)
    return manifest


def _from_content(content: dict[str, Any]) -> Manifest:
    columns = [field.name for field in fields(VideoRecord)]
    if content["columns"] != columns:
        msg = f"columns are {content['columns']}"
        raise ValueError(msg)
    names = [field.name for field in fields(Manifest) if field.name not in ("videos", "fps")]
    plain = {name: content[name] for name in names} | {"fps": float(content.get("fps", 0))}
    for name in ("labels", "pixel_mean", "pixel_std"):
        plain[name] = tuple(plain[name])
    videos = tuple(VideoRecord(*row) for row in content["videos"])
    for video in videos:
        _check_video(video, n_classes=len(plain["labels"]))
    return Manifest(**plain, videos=videos)


def _no_number(name: str) -> Any:
    msg = f"{name} is no number"
    raise ValueError(msg)


def _check_video(video: VideoRecord, *, n_classes: int) -> None:
    """Refuse a row that would be missed, or lead out of the folder, only when it is used."""
    sizes = (video.n_frames, video.height, video.width)
    if any(type(size) is not int or size < 1 for size in sizes):
        msg = f"{video.id!r:.80}: frames, height and width are {sizes!r:.80}"
        raise ValueError(msg)
    if type(video.label) is not int or not 0 <= video.label < n_classes:
        msg = f"{video.id!r:.80}: there is no class {video.label!r:.40}"
        raise ValueError(msg)
    path = PurePosixPath(video.file)
    if path.is_absolute() or ".." in path.parts:
        msg = f"{video.id!r:.80}: {video.file!r:.80} leads out of the data set's folder"
        raise ValueError(msg)


def prepare_command(videos: str = "DIR") -> str:
    """Return the command that prepares data, for messages."""
    return f"`mlflow run . -e prepare --env-manager local -P videos={videos}`"


def count_by(videos: Sequence[VideoRecord], subset: str) -> int:
    """Return how many videos a subset has."""
    return sum(video.subset == subset for video in videos)


def group_numbers(videos: Sequence[VideoRecord]) -> str:
    """Return a number per video with blanks between, equal where two are of one group.

    A video without a group is one of its own.
    """
    names = [video.group or f"video {video.id}" for video in videos]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return " ".join(str(numbers[name]) for name in names)
