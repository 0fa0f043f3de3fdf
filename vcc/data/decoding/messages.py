"""What FFmpeg says while it works: kept for this project's own reports, never printed.

FFmpeg returns no error for a file that ends too early: some of its readers only say so.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import av
import av.logging

from vcc.errors import one_line

# Both are settings of the whole process. Equal messages of two videos are two messages.
av.logging.set_level(av.logging.WARNING)
av.logging.set_skip_repeated(False)
# What is said while nobody listens, such as when a file is closed.
logging.getLogger("libav").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Message:
    """A message: who said it (a demuxer or a codec, by FFmpeg's names), what, and how bad it is."""

    speaker: str
    text: str
    is_error: bool


@contextlib.contextmanager
def listening() -> Iterator[list[Message]]:
    """Collect what FFmpeg says in this thread; the list is filled when the block ends.

    No generator may yield inside such a block: blocks of a thread end in the order of a stack.
    """
    heard: list[Message] = []
    with av.logging.Capture() as logs:
        try:
            yield heard
        finally:
            heard += [
                Message(name, _shown(text), level <= av.logging.ERROR) for level, name, text in logs
            ]


def _shown(text: str) -> str:
    """Return a message without what would steer a terminal: it may quote the file."""
    return "".join(each if each.isprintable() else " " for each in text).strip()


def reason(error: av.FFmpegError, heard: list[Message]) -> str:
    """Return in one line why FFmpeg failed: its last complaint, or else the error's own text."""
    complaints = [message.text for message in heard if message.is_error]
    return one_line((complaints or [str(error.strerror)])[-1])
