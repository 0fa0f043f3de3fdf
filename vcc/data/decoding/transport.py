"""Where the last packet of a transport stream ends: FFmpeg drops half a packet without a word."""

from __future__ import annotations

from pathlib import Path

_SYNC = 0x47
# Lengths of packets: as broadcast, with a time of 4 bytes before, with a checksum of 16 behind.
_LENGTHS = (188, 192, 204)
_TRUE_BYTES = 188
# So many in a row are no accident.
_IN_A_ROW = 8


def ends_inside_packet(path: Path) -> bool:
    """Return whether a transport stream ends inside a packet; False where that is not sure."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - (_IN_A_ROW + 1) * _LENGTHS[-1]))
        tail = file.read()
    return any(_is_cut(tail, length) for length in _LENGTHS)


def _is_cut(tail: bytes, length: int) -> bool:
    """Return whether the last of packets of this length lacks some of its bytes."""
    for last in range(len(tail) - _TRUE_BYTES + 1, len(tail)):
        places = range(last, last - _IN_A_ROW * length, -length)
        if places[-1] >= 0 and all(tail[place] == _SYNC for place in places):
            return True
    return False
