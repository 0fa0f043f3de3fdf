"""What FFmpeg says: kept for reports, never printed."""

from __future__ import annotations

from pathlib import Path

import av
import av.logging
import pytest

from vcc.data.decoding.messages import Message, listening, reason


def say(level: int, text: str) -> None:
    av.logging.log(level, "h264", text)


def test_what_is_said_in_a_block_is_heard_in_it_alone() -> None:
    say(av.logging.ERROR, "before")
    with listening() as heard:
        say(av.logging.ERROR, "broken \n")
        say(av.logging.WARNING, "odd")
        say(av.logging.WARNING, "odd")
        say(av.logging.INFO, "by the way")
    say(av.logging.ERROR, "after")
    assert heard == [
        Message("h264", "broken", is_error=True),
        Message("h264", "odd", is_error=False),
        Message("h264", "odd", is_error=False),
    ]


def test_what_a_file_says_does_not_steer_a_terminal() -> None:
    with listening() as heard:
        say(av.logging.ERROR, "codec \x1b[2J\x07 is\nunknown")
    assert [message.text for message in heard] == ["codec  [2J  is unknown"]


def test_what_was_said_before_an_error_is_heard_too() -> None:
    def fail() -> None:
        say(av.logging.ERROR, "broken")
        raise EOFError

    with pytest.raises(EOFError), listening() as heard:
        fail()
    assert [message.text for message in heard] == ["broken"]


def failure(path: Path) -> av.FFmpegError:
    with pytest.raises(av.FFmpegError) as caught:
        av.open(str(path))
    return caught.value


def test_a_reason_is_the_last_complaint_in_one_line(tmp_path: Path) -> None:
    error = failure(tmp_path / "none.avi")
    heard = [
        Message("avi", "first", is_error=True),
        Message("avi", "second\nline", is_error=True),
        Message("avi", "a remark", is_error=False),
    ]
    assert reason(error, heard) == "second line"


def test_without_a_complaint_the_error_speaks_for_itself(tmp_path: Path) -> None:
    error = failure(tmp_path / "none.avi")
    assert reason(error, [Message("avi", "a remark", is_error=False)]) == error.strerror
