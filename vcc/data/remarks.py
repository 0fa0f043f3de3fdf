"""What is remarkable about the videos of a data set without being an error, for the report."""

from __future__ import annotations

from collections.abc import Sequence

from vcc.data.store import StoredVideo

_SHOWN = 5


def remarks(videos: Sequence[tuple[str, StoredVideo]], *, resampled: bool) -> list[str]:
    """Return a note per kind of remark, with how many videos it is about and the first of them.

    Args:
        videos: name and description of each stored video.
        resampled: whether the videos were brought to one frame rate.
    """
    cut = [f"{name!r} ({video.cut})" for name, video in videos if video.cut]
    fewer = [
        f"{name!r} ({video.n_frames} of {video.declared_frames})"
        for name, video in videos
        if not video.cut and video.n_frames < video.declared_frames
    ]
    uneven = [repr(name) for name, video in videos if video.variable_rate]
    notes = [
        _note(cut, "cut or damaged and used as far as they came"),
        _note(fewer, "of fewer frames than declared"),
        ""
        if resampled
        else _note(
            uneven, "of a variable frame rate, which keep their frames (fps=N goes by their times)"
        ),
    ]
    return [note for note in notes if note]


def _note(names: Sequence[str], what: str) -> str:
    if not names:
        return ""
    more = [f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return f"videos {what}: {len(names)}: {', '.join([*names[:_SHOWN], *more])}"
