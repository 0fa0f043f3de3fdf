"""A video file, decoded by PyAV with one thread: videos are what runs in parallel.

What decodes is the video. A file counts as cut or damaged where its demuxer or decoder reported an
error, or where it ends inside a packet; it is used up to there, unless too little came.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vcc.data.clips.resizing import Frame
from vcc.data.decoding.clock import Clock
from vcc.data.decoding.colours import Pixels
from vcc.data.decoding.containers import HEAD_BYTES, RAW_DEMUXERS, Container, container_of
from vcc.data.decoding.declared import (
    declared_frames,
    declared_seconds,
    frame_rate,
    video_stream,
)
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.messages import Message, listening, reason
from vcc.data.decoding.no_video import why_no_video
from vcc.data.decoding.rate import at_constant_rate
from vcc.data.decoding.reading import AS_RECORDED, Reading
from vcc.data.decoding.transport import ends_inside_packet
from vcc.errors import one_line

# Nothing but this file is opened, whatever it refers to.
_OPTIONS = {"protocol_whitelist": "file"}
# Decoders round sizes up: a picture that is just taken must not be refused by them.
_ROUNDING = 2
# What they say before they make room for a picture that is larger than `max_pixels`.
_TOO_LARGE = re.compile(r"Picture size (\d{1,6})x(\d{1,6}) (?:exceeds|is invalid)")

# How many packets may come before times begin anew, which shows that recordings were joined; and
# by how many seconds they go back then.
_PATIENCE = 5
_BEGUN_ANEW = 0.2


class VideoFile:
    """A video file as a stream of frames.

    Attributes:
        fps: frames per second; where the file does not say, 0 until the last frame came, and then
            as its times have it.
        declared: frames that the file declares, which may be far from what it shows; 0: unknown.
        width, height: pixels, as declared; as shown once the first frame came.
        cut: after the last frame, why the file counts as cut or damaged; empty for a whole one.
        variable_rate: after the last frame, whether frames lasted differently long.

    Raises:
        BadVideoError: it is no video, or none that can be decoded.
    """

    def __init__(self, path: Path, reading: Reading = AS_RECORDED) -> None:
        self._path, self._reading = path, reading
        limits = _limits(reading)
        self._media, heard = _opened(path, limits)
        self._check_said(heard)
        self._stream = video_stream(self._media, heard)
        self._stream.codec_context.thread_count = 1
        self._stream.codec_context.options = limits
        self.fps = reading.fps or frame_rate(self._stream)
        self._seconds = declared_seconds(self._media, self._stream)
        self._recorded = declared_frames(self._media, self._stream)
        self.declared = round(self._seconds * reading.fps) if reading.fps else self._recorded
        self.width, self.height = self._stream.width, self._stream.height
        self.cut = ""
        self.variable_rate = False
        self._check_size(self.width, self.height)
        self._progress = _Progress()
        # A small file is read to its end when it is opened.
        self._progress.blame(_complaint(heard, self._media.format.name))
        # Which of its packets is meant comes later: to the end, there may be a joint.
        self._progress.suspect(_corruption(heard), sys.maxsize)

    def frames(self) -> Iterator[Frame]:
        """Yield frames uint8 [H, W, 3] in BGR; raises BadVideoError where too little came."""
        try:
            timed = self._timed()
            fps = self._reading.fps
            pictures = at_constant_rate(timed, fps) if fps else (each for _, _, each in timed)
            yield from self._converted(pictures)
            if self._media.format.name == "mpegts" and ends_inside_packet(self._path):
                self._progress.blame("the file ends inside a packet")
            self._judge()
        finally:
            self._media.close()

    def _converted(self, pictures: Iterator[av.VideoFrame]) -> Iterator[Frame]:
        pixels = Pixels()
        last: tuple[av.VideoFrame, Frame] | None = None
        for picture in pictures:
            if last is None or last[0] is not picture:
                # Before it is converted: a small file can hold a huge picture.
                self._check_size(picture.width, picture.height)
                frame = pixels.frame(picture)
                if last is None:
                    self.height, self.width = frame.shape[:2]
                last = (picture, frame)
            yield last[1]

    def _timed(self) -> Iterator[tuple[float, float, av.VideoFrame]]:
        """Yield time and duration in seconds of each picture, and the picture."""
        name = self._media.format.name
        clock = Clock(
            frame_rate(self._stream), by_decoding=name == "avi", by_counting=name in RAW_DEMUXERS
        )
        for packet in self._packets():
            for picture in self._decoded(packet):
                self._progress.pictures += 1
                yield clock.time(picture), clock.duration(picture), picture
        self.variable_rate = clock.is_uneven
        self.fps = self.fps or clock.fps
        if self.variable_rate and self._stream.frames == 0 and not self._reading.fps:
            # A guess by duration and rate.
            self.declared = 0

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """Yield the packets of the picture, then None: what the decoder still holds is wanted."""
        packets = self._media.demux(self._stream)
        while True:
            packet = None
            try:
                with listening() as heard:
                    packet = next(packets, None)
            except av.FFmpegError as error:
                self._progress.blame(reason(error, heard))
            except IndexError:
                # PyAV's way to end where streams were found after the file was opened.
                pass
            self._progress.blame(_complaint(heard, self._media.format.name))
            self._progress.suspect(_corruption(heard), _PATIENCE)
            if packet is None:
                break
            # Empty ones stand for skipped frames, or mark the end.
            if packet.size > 0:
                self._progress.count(packet)
                yield packet
        yield None

    def _decoded(self, packet: Packet[VideoStream] | None) -> list[av.VideoFrame]:
        try:
            with listening() as heard:
                pictures = self._stream.decode(packet)
        except av.FFmpegError as error:
            self._check_said(heard)
            self._progress.refused += packet is not None
            self._progress.blame(reason(error, heard))
            return []
        self._check_said(heard)
        if any(picture.is_corrupt for picture in pictures):
            said = [message.text for message in heard if message.is_error]
            self._progress.blame(said[0] if said else "a damaged frame")
        return pictures

    def _judge(self) -> None:
        progress = self._progress
        progress.settle()
        if progress.pictures == 0:
            detail = f": {progress.complaint}" if progress.complaint else ""
            msg = f"zero frames{detail}"
            raise BadVideoError(msg)
        if not progress.complaint:
            return
        share = progress.share(self._seconds)
        # Of files that were joined, the header counts the first.
        of = f" of {self._recorded}" if self._recorded >= progress.pictures else ""
        came = f"{progress.pictures}{of} frames"
        if share < self._reading.min_decoded_share:
            msg = (
                f"truncated: {came} ({progress.complaint}), less than "
                f"min_decoded_share={self._reading.min_decoded_share:g} of it"
            )
            raise BadVideoError(msg)
        self.cut = f"{came}: {progress.complaint}"

    def _check_said(self, heard: list[Message]) -> None:
        """Refuse what a decoder was kept from making room for, as what is too large."""
        for message in heard:
            if found := _TOO_LARGE.search(message.text):
                self._check_size(int(found[1]), int(found[2]))

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._reading.max_pixels:
            msg = (
                f"frames too large: {width}x{height} pixels, at most "
                f"{self._reading.max_pixels / 1e6:g} million are taken"
            )
            raise BadVideoError(msg)


class _Progress:
    """What was read of a file so far, and the first complaint about it."""

    def __init__(self) -> None:
        self.pictures = 0
        self.refused = 0
        self.complaint = ""
        self._packets = 0
        self._first: float | None = None
        self._last = 0.0
        self._before: float | None = None
        self._suspicion = ""
        self._patience = 0

    def blame(self, text: str) -> None:
        self.complaint = self.complaint or one_line(text)

    def suspect(self, text: str, patience: int) -> None:
        """Note that a packet may lack something; after so many more, it is held to be so."""
        if text and not self._suspicion:
            self._suspicion, self._patience = one_line(text), patience

    def settle(self) -> None:
        """Take what was suspected for true."""
        if self._suspicion:
            self.blame(self._suspicion)
        self._suspicion = ""

    def _went_on(self, start: float) -> None:
        # Packets that are numbered anew where times begin anew: another recording was appended.
        if self._before is not None and start < self._before - _BEGUN_ANEW:
            self._suspicion = ""
        elif self._suspicion:
            self._patience -= 1
            if self._patience == 0:
                self.settle()
        self._before = start

    def count(self, packet: Packet[VideoStream]) -> None:
        self._packets += 1
        if packet.is_corrupt:
            self.suspect("the file ends inside a frame", _PATIENCE)
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None:
            return
        start = float(stamp * packet.time_base)
        self._went_on(start)
        self._first = start if self._first is None else self._first
        self._last = max(self._last, start + float((packet.duration or 0) * packet.time_base))

    def share(self, seconds: float) -> float:
        """Return which share of a video of so many seconds came, 0..1; 1 where nothing tells."""
        if not self._packets:
            return 0.0
        played = self._last - (self._first or 0.0)
        reached = min(1.0, played / seconds) if seconds > 0 and played > 0 else 1.0
        return reached * (1 - self.refused / self._packets)


def holds_video(path: Path) -> bool:
    """Return whether a file holds a moving picture that can be decoded, whatever it is called."""
    try:
        media, heard = _opened(path)
        with media:
            video_stream(media, heard)
    except (OSError, BadVideoError):
        return False
    return True


def count_frames(path: Path, reading: Reading = AS_RECORDED) -> int:
    """Return how many packets of a file hold frames that are shown, without decoding them.

    Where a frame is two fields, that can be twice the number of frames.

    Args:
        path: the file.
        reading: says how large a picture may be that is decoded to find out what the file holds.

    Raises:
        BadVideoError: it is no video.
    """
    media, heard = _opened(path, _limits(reading))
    count = 0
    with media, contextlib.suppress(av.FFmpegError), listening():
        for packet in media.demux(video_stream(media, heard)):
            count += packet.size > 0 and not packet.is_discard
    return count


def _limits(reading: Reading) -> dict[str, str]:
    """Return FFmpeg's options by which decoders refuse a huge picture before they make room."""
    if math.isinf(reading.max_pixels):
        return {}
    return {"max_pixels": str(int(_ROUNDING * reading.max_pixels))}


def _opened(
    path: Path, limits: Mapping[str, str] | None = None
) -> tuple[InputContainer, list[Message]]:
    container = _container(path)
    # The protocol keeps FFmpeg from taking a colon in the name for one.
    name = f"file:{os.fspath(path.absolute())}"
    try:
        with listening() as heard:
            # Titles in other encodings than UTF-8 are no reason to refuse a video.
            media = av.open(
                name,
                "r",
                format=container.demuxer,
                options={**_OPTIONS, **(limits or {})},
                metadata_errors="replace",
            )
    except av.FFmpegError as error:
        msg = f"not a readable video: {reason(error, heard)}"
        raise BadVideoError(msg) from None
    return media, heard


def _container(path: Path) -> Container:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        msg = "empty file"
        raise BadVideoError(msg)
    container = container_of(head)
    if container is None:
        msg = why_no_video(head) or "not a readable video"
        raise BadVideoError(msg)
    return container


def _complaint(heard: list[Message], demuxer: str) -> str:
    """Return what a demuxer said of a broken file, empty where it said nothing of the kind."""
    for message in heard:
        if message.is_error and demuxer in message.speaker.split(","):
            return message.text
    return ""


def _corruption(heard: list[Message]) -> str:
    said = (message.text for message in heard if message.text.startswith("Packet corrupt"))
    return next(said, "")
