"""A served model under many requests, a third of them bad: right answers, and no growth.

`VCC_REQUESTS` says how many.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import random
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import psutil
import pytest
from bad_videos import black_jpeg, growing_bomb, motion_jpeg, tiny_videos
from data_videos import smooth_frames, write_video
from limits import LONG_HANG_S, LONG_TEST_S
from served_network import LABELS, Registered, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONG_TEST_S)]

COUNT = int(os.environ.get("VCC_REQUESTS", "900"))
CLIENTS = 8
# Buffers, arenas and caches have their size after so many requests.
WARM = max(300, COUNT // 5)
MOST_GROWTH = 0.05


@dataclass(frozen=True)
class Request:
    """A body, and what is known of its answer.

    Attributes:
        body: what is sent.
        scores: of the answer, by the network itself; None for a bad request.
        may_be_read: of a damaged video, which may still be one.
        kind: of the body, by its media type.
    """

    body: bytes
    scores: tuple[float, ...] | None = None
    may_be_read: bool = False
    kind: str = "application/json"


@dataclass(frozen=True)
class Answer:
    """A status, and the text that came with it."""

    status: int
    text: str


def body_of(*videos: bytes | str, **params: object) -> bytes:
    rows = [v if isinstance(v, str) else base64.b64encode(v).decode() for v in videos]
    return json.dumps({"inputs": {"video": rows}, "params": params}).encode()


def good_requests(registered: Registered, folder: Path) -> list[Request]:
    paths = [
        write_video(folder / f"{number}.avi", smooth_frames(8 + number, seed=number))
        for number in range(10)
    ]
    return [
        Request(body_of(path.read_bytes()), tuple(sorted(registered.scores(path))[::-1]))
        for path in paths
    ]


def bad_requests(good: bytes, folder: Path, rng: random.Random) -> list[Request]:
    never = [
        body_of(b"this is not a video"),
        body_of(good, b""),
        body_of(b"#EXTM3U\nfile:///etc/passwd\n"),
        body_of(b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(99)),
        body_of(b"RIFF\x00\x00\x00\x00AVI " + bytes(2_200_000)),
        body_of(motion_jpeg([black_jpeg(6000, 6000)], height=32, width=32)),
        body_of(growing_bomb(6000)),
        body_of(motion_jpeg([black_jpeg(16, 16)] * 301, height=16, width=16)),
        body_of(*[good] * 4),
        body_of(),
        body_of(good, "not base64!"),
        body_of(good, top_k=0),
        body_of(good, n_clips=65),
        body_of(good, top_k="many"),
        b"{",
        b"",
        b'{"inputs": 3}',
        b'{"inputs": {"film": ["AAAA"]}}',
        b"\xff\xfe",
    ]
    damaged = [damage(video, rng) for video in tiny_videos(folder) for _ in range(8)]
    return [
        *map(Request, never),
        Request(b"PAR1 no parquet", kind="application/vnd.apache.parquet"),
        Request(b'"', kind="text/csv"),
        Request(b"\xff\xfe", kind="text/csv"),
        Request(good, kind="video/x-msvideo"),
        *(Request(body_of(video), may_be_read=True) for video in damaged),
    ]


def damage(video: bytes, rng: random.Random) -> bytes:
    data = bytearray(video)
    for _ in range(rng.randint(1, 6)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randint(len(data) // 2, len(data))])


def ask(server: str, request: Request) -> Answer:
    call = urllib.request.Request(server, request.body, {"Content-Type": request.kind})
    try:
        with urllib.request.urlopen(call, timeout=LONG_HANG_S) as reply:
            return Answer(reply.status, reply.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode())


def check(request: Request, answer: Answer, secrets: Sequence[str]) -> None:
    assert not [each for each in secrets if each in answer.text], answer
    if answer.status == 200 and (request.scores or request.may_be_read):
        (row,) = json.loads(answer.text)["predictions"]
        assert np.isfinite(row["scores"]).all()
        if request.scores:
            assert row["scores"] == pytest.approx(request.scores, abs=1e-5)
        return
    assert request.scores is None, answer
    assert 400 <= answer.status < 500, answer


def resident_mib(server: str) -> float:
    """Return the memory of the server and the processes that it started."""
    port = str(urlparse(server).port)
    mine = psutil.Process().children(recursive=True)
    total = 0
    for process in mine:
        with contextlib.suppress(psutil.NoSuchProcess):
            if port in process.cmdline() or any(port in p.cmdline() for p in process.parents()):
                total += process.memory_info().rss
    return total / 2**20


@pytest.fixture(scope="module")
def server(registered: Registered) -> Iterator[str]:
    with served(f"models:/{registered.video.name}@champion", registered) as address:
        yield f"{address}/invocations"


def test_many_requests(server: str, registered: Registered, tmp_path: Path) -> None:
    rng = random.Random(0)
    good = good_requests(registered, tmp_path)
    bad = bad_requests(
        write_video(tmp_path / "a.avi", smooth_frames(9)).read_bytes(), tmp_path, rng
    )
    requests = [rng.choice(good if number % 3 else bad) for number in range(COUNT)]
    # Of the server: its files, its copy of the video, its code.
    secrets = [str(registered.folder), tempfile.gettempdir(), "Traceback", "site-packages"]
    secrets += [sys.prefix, str(Path.home()) + "/", str(Path.cwd())]

    def one(request: Request) -> int:
        answer = ask(server, request)
        check(request, answer, secrets)
        return answer.status

    def many(part: Sequence[Request]) -> dict[int, int]:
        with ThreadPoolExecutor(CLIENTS) as pool:
            statuses = list(pool.map(one, part))
        return {status: statuses.count(status) for status in sorted(set(statuses))}

    assert set(LABELS) == set(registered.dataset.labels)
    many(requests[:WARM])
    warm = resident_mib(server)
    told: dict[str, Any] = {"statuses": many(requests[WARM:]), "warm_mib": round(warm, 1)}
    told |= {"end_mib": round(resident_mib(server), 1), "requests": COUNT}
    logging.getLogger(__name__).info("%s", told)
    assert warm > 50
    assert told["end_mib"] <= (1 + MOST_GROWTH) * warm, told
