"""Jobs of `prepare`'s workers: one small video into a store of each kind."""

from __future__ import annotations

from pathlib import Path

from vcc.data.prepare.convert import ConvertJob

KINDS = ("raw", "packed", "jpg")


def job(tmp_path: Path, kind: str, **changes: object) -> ConvertJob:
    """Return the job that stores `in/video.avi` below `out`."""
    values: dict[str, object] = {
        "number": 3,
        "source": tmp_path / "in" / "video.avi",
        "target": tmp_path / "out" / ("video" if kind == "jpg" else "video.vcf"),
        "kind": kind,
        "short_side": 128,
        "jpeg_quality": 90,
    }
    return ConvertJob(**{**values, **changes})  # type: ignore[arg-type]
