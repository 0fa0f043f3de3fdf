"""Descriptions of stored videos, without the videos."""

from __future__ import annotations

from typing import Any

from vcc.data.store.files import StoredVideo


def stored(**changes: Any) -> StoredVideo:
    """Return the description of a whole video of nine frames, with changes."""
    values: dict[str, Any] = {
        "kind": "raw",
        "n_frames": 9,
        "fps": 25.0,
        "height": 36,
        "width": 48,
        "checksum": "c",
        "pixel_count": 10,
        "pixel_sum": (100.0, 200.0, 300.0),
        "pixel_square_sum": (1000.0, 4090.0, 9000.0),
        "source_key": "k",
        "source_height": 72,
        "source_width": 96,
        "source_sha256": "s",
        "declared_frames": 9,
    }
    return StoredVideo(**{**values, **changes})
