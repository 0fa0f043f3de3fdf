"""Checking a frame store against its manifest."""

from __future__ import annotations

import time
from pathlib import Path

from vcc.data.prepare.discovery import BadFile
from vcc.data.prepare.report import PrepareReport, manifest_facts
from vcc.data.store.files import bytes_on_disk, checksum, read_description
from vcc.data.store.manifest import Manifest, VideoRecord, prepare_command, read_manifest
from vcc.errors import DataError


def verify(root: Path) -> PrepareReport:
    """Read every stored video again and compare it with the manifest's checksum.

    Raises:
        DataError: there is no manifest, or a video is missing or differs.
    """
    started = time.perf_counter()
    manifest = read_manifest(root)
    bad = [bad for video in manifest.videos if (bad := check_video(manifest, video, root))]
    if bad:
        msg = (
            f"{root}: {len(bad)} of {len(manifest.videos)} stored videos differ from the manifest; "
            f"first {bad[0].name!r}: {bad[0].reason}; delete them and rebuild with "
            f"{prepare_command()}"
        )
        raise DataError(msg)
    return PrepareReport(
        root=root,
        **manifest_facts(manifest),
        size_bytes=sum(bytes_on_disk(root / video.file) for video in manifest.videos),
        reused=len(manifest.videos),
        bad=(),
        notes=("verified: every stored video has the manifest's checksum",),
        seconds=time.perf_counter() - started,
    )


def check_video(manifest: Manifest, video: VideoRecord, root: Path) -> BadFile | None:
    """Return what is wrong with a stored video, or None."""
    path = root / video.file
    stored = read_description(path)
    if stored is None:
        return BadFile(video.file, "missing or incomplete")
    shape = (stored.kind, stored.n_frames, stored.height, stored.width)
    if shape != (manifest.store, video.n_frames, video.height, video.width):
        return BadFile(video.file, "another video or setting")
    if checksum(path) != video.checksum:
        return BadFile(video.file, "damaged: checksum differs")
    return None
