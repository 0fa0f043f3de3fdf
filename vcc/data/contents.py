"""Which videos a network was trained on, kept by their contents: names change, frames do not.

Each video counts by the first bytes of two SHA-256: of its frames in the store, and of its source
file, which stays the same where it is stored in another size. 64 bits of each are kept: among
100,000 videos of training and as many of test, two different ones look alike with a probability
below 1e-8, and they take about 2 MB of text.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from vcc.data.prepared import PreparedDataset
from vcc.data.sources import source_digests
from vcc.errors import DataError

_BYTES = 8


def training_contents(dataset: PreparedDataset, *, also: str | None = None) -> str:
    """Return the contents of the videos that training sees, dev videos included, as base64 text.

    Args:
        dataset: prepared videos.
        also: what another training saw, as this function returned it.
    """
    records = (*dataset.videos("train"), *dataset.videos("dev"))
    ids = {record.id for record in records}
    found = {part for video, parts in _contents(dataset).items() if video in ids for part in parts}
    if also:
        found |= _unpacked(also)
    return base64.b64encode(b"".join(sorted(found))).decode("ascii")


def seen_videos(contents: str, dataset: PreparedDataset, *, subset: str = "test") -> list[str]:
    """Return the ids of the videos of a subset that a training has seen.

    Args:
        contents: as `training_contents` returned them.
        dataset: prepared videos, of whatever name.
        subset: "test" or "dev".

    Raises:
        DataError: `contents` is not of that form.
    """
    seen = _unpacked(contents)
    own = _contents(dataset)
    return [r.id for r in dataset.videos(subset) if seen.intersection(own[r.id])]


def _contents(dataset: PreparedDataset) -> dict[str, tuple[bytes, ...]]:
    sources = source_digests(dataset.root)
    return {
        record.id: tuple(_first_bytes((record.checksum, sources.get(record.id, ""))))
        for record in dataset.manifest.videos
    }


def _first_bytes(digests: Iterable[str]) -> Iterable[bytes]:
    # Data that was prepared before sources were digested has none of them.
    return (bytes.fromhex(digest[: 2 * _BYTES]) for digest in digests if digest)


def _unpacked(contents: str) -> set[bytes]:
    try:
        data = base64.b64decode(contents, validate=True)
    except (binascii.Error, ValueError, TypeError):
        data = b"?"
    if len(data) % _BYTES:
        msg = "the network does not say properly which videos it was trained on: train it again"
        raise DataError(msg)
    return {data[start : start + _BYTES] for start in range(0, len(data), _BYTES)}
