"""Transport streams that end inside a packet."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.decoding.transport import ends_inside_packet


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (4, 0), (0, 16)])
@pytest.mark.parametrize(("left", "is_cut"), [(0, False), (1, True), (57, True), (187, True)])
def test_half_a_packet_at_the_end(
    tmp_path: Path, before: int, behind: int, left: int, is_cut: bool
) -> None:
    packet = bytes(before) + b"\x47" + bytes([3]) * 187 + bytes(behind)
    path = tmp_path / "a.ts"
    path.write_bytes(20 * packet + packet[: before + left if left else 0])
    assert ends_inside_packet(path) is is_cut


def test_what_is_no_packet_at_the_end_is_none_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    path.write_bytes(20 * (b"\x47" + bytes(187)) + b"\x01" * 100)
    assert not ends_inside_packet(path)
    path.write_bytes(b"\x47" + bytes(100))
    assert not ends_inside_packet(path)
