"""Options of what a served model, or a prediction over files, accepts."""

from __future__ import annotations

from dataclasses import dataclass

from vcc.config.options import Options, option

# Clips that are chosen out of a video are held at once; all of a video's clips never are.
MOST_CLIPS = 64


@dataclass(frozen=True, kw_only=True)
class ServingOptions(Options):
    """Limits on videos from outside: what is beyond them is refused with its reason.

    They are recorded in the served model's configuration when it is registered.
    """

    max_video_mib: float = option(64.0, "served videos: largest file, MiB", above=0)
    max_video_frames: int = option(
        10_000, "served videos: most frames, about 5 minutes at 30 fps", at_least=1
    )
    max_megapixels: float = option(
        9.0, "served videos: largest frame, millions of pixels (4K has 8.3)", above=0
    )
    max_decode_seconds: float = option(30.0, "served videos: longest time to decode one", above=0)
    min_decoded_share: float = option(
        0.5,
        "a cut or damaged video is used if at least this share of it came",
        at_least=0.0,
        at_most=1.0,
    )
    max_videos: int = option(16, "served videos: most videos in one request", at_least=1)
