"""`mlflow models serve` on a real port: videos in, labels out, and nothing that brings it down."""

from __future__ import annotations

import base64
import io
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bad_videos import black_jpeg, growing_bomb, motion_jpeg
from data_videos import smooth_frames, write_video
from decoded import read_video
from limits import HANG_S
from served_network import LABELS, SHORT_SIDE, Registered, served, tracking

from vcc.config.entrypoints import EvaluateEntry, PredictEntry
from vcc.pipeline.commands.evaluate import run_evaluate
from vcc.pipeline.commands.predict import run_predict

JSON, PARQUET = "application/json", "application/vnd.apache.parquet"


@pytest.fixture(scope="module")
def server(registered: Registered) -> Iterator[str]:
    with served(f"models:/{registered.video.name}@champion", registered) as address:
        yield f"{address}/invocations"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "a.avi", smooth_frames(11, seed=1))


def post(server: str, body: object, kind: str = JSON) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server, data, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=HANG_S) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def split(*rows: bytes, **params: int) -> dict[str, Any]:
    data = [[text(row)] for row in rows]
    return {"dataframe_split": {"columns": ["video"], "data": data}, "params": params}


def inputs(*rows: bytes, **params: int) -> dict[str, Any]:
    return {"inputs": {"video": [text(row) for row in rows]}, "params": params}


def parquet(*rows: bytes) -> bytes:
    body = io.BytesIO()
    pd.DataFrame({"video": list(rows)}).to_parquet(body)
    return body.getvalue()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def expected(registered: Registered, path: Path) -> dict[str, Any]:
    scores = registered.scores(path)
    order = np.argsort(-scores)
    return {
        "labels": [LABELS[i] for i in order],
        "scores": pytest.approx([float(scores[i]) for i in order], abs=1e-5),
        "clips": len(registered.network.card.protocol.clip_indices(frames_of(path))),
    }


def frames_of(path: Path) -> int:
    return len(read_video(path, SHORT_SIDE))


def test_every_body_gets_labels_and_scores(
    server: str, registered: Registered, video: Path
) -> None:
    data, row = video.read_bytes(), expected(registered, video)
    assert row["clips"] == 3
    records = {"dataframe_records": [{"video": text(data)}]}
    for body in (split(data), inputs(data), records):
        assert post(server, body) == (200, {"predictions": [row]})
    assert post(server, parquet(data, data), PARQUET) == (200, {"predictions": [row, row]})


def test_two_hundred_requests_at_once_get_their_own_answers(
    server: str, registered: Registered, tmp_path: Path
) -> None:
    videos = [
        write_video(tmp_path / f"{number}.avi", smooth_frames(8 + number, seed=number))
        for number in range(10)
    ]
    bodies = [inputs(video.read_bytes()) for video in videos]
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda number: post(server, bodies[number % 10]), range(200)))
    rows = [expected(registered, video) for video in videos]
    for number, answer in enumerate(answers):
        assert answer == (200, {"predictions": [rows[number % 10]]})


@pytest.mark.parametrize("body", [split, inputs])
def test_params(server: str, video: Path, body: Callable[..., Any]) -> None:
    status, answer = post(server, body(video.read_bytes(), top_k=2, n_clips=1))
    assert status == 200
    (row,) = answer["predictions"]
    assert len(row["labels"]) == len(row["scores"]) == 2
    assert row["clips"] == 1


def test_real_videos(server: str, registered: Registered, shared: Path) -> None:
    folder = shared / "videos"
    first, second, *_ = sorted((folder / "ucf101").rglob("*.avi"))
    row = expected(registered, first)
    for body, kind in ((split, JSON), (inputs, JSON), (parquet, PARQUET)):
        assert post(server, body(first.read_bytes()), kind) == (200, {"predictions": [row]})
    wrestling = folder / "misc" / "arm_wrestling.mp4"
    rows = [expected(registered, second), expected(registered, wrestling)]
    answer = post(server, inputs(second.read_bytes(), wrestling.read_bytes()))
    assert answer == (200, {"predictions": rows})


def test_evaluate_predict_and_the_server_answer_alike(server: str, registered: Registered) -> None:
    folder = registered.folder
    with tracking(registered.tracking_uri):
        run_evaluate(
            EvaluateEntry(
                source=str(registered.checkpoint),
                root_path=folder / "data",
                results=folder / "results",
                n_threads=0,
            )
        )
        run_predict(
            PredictEntry(
                videos=folder / "videos",
                source=f"models:/{registered.video.name}@champion",
                output=folder / "predicted.json",
                threads=1,
            )
        )
    (written,) = (folder / "results").rglob("val.json")
    evaluated = json.loads(written.read_text())["results"]
    assert len({rows[0]["label"] for rows in evaluated.values()}) > 1
    assert len({rows[0]["score"] for rows in evaluated.values()}) == len(evaluated)

    predicted = json.loads((folder / "predicted.json").read_text())["results"]
    files = {path.stem: path for path in (folder / "videos").rglob("*.avi")}
    for video, rows in evaluated.items():
        (found,) = [found for name, found in predicted.items() if Path(name).stem == video]
        _, answer = post(server, split(files[video].read_bytes()))
        (answered,) = answer["predictions"]
        labels = [row["label"] for row in rows]
        assert [row["label"] for row in found] == answered["labels"] == labels
        scores = [row["score"] for row in rows]
        assert [row["score"] for row in found] == pytest.approx(scores, abs=1e-5)
        assert answered["scores"] == pytest.approx(scores, abs=1e-5)


def long_video() -> bytes:
    return motion_jpeg([black_jpeg(16, 16)] * 301, height=16, width=16)


def truncated_video() -> bytes:
    whole = motion_jpeg([black_jpeg(64, 64)] * 40, height=64, width=64)
    return whole[: len(whole) // 2]


# What arrives decoded may also be text that was meant to be decoded.
NO_VIDEO = "not a video: no avi, mp4, .*begins like this|neither the bytes of a video .avi, mp4, "
BAD = {
    "not a video": (lambda: b"this is not a video", NO_VIDEO),
    "text that names a file": (lambda: b"#EXTM3U\nfile:///etc/passwd\n", NO_VIDEO),
    "head only": (lambda: b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(99), "not a readable video|zero"),
    "truncated": (truncated_video, "truncated: [12][0-9] of 40 frames"),
    "empty": (lambda: b"", "empty"),
    "too large": (lambda: b"RIFF\x00\x00\x00\x00AVI " + bytes(2_200_000), "too large: "),
    "too long": (long_video, "too long: 301 frames, at most 300"),
    "bomb": (
        lambda: motion_jpeg([black_jpeg(6000, 6000)], height=6000, width=6000),
        "frames too large: 6000x6000 pixels, at most 9 million",
    ),
    "bomb that declares little": (
        lambda: motion_jpeg([black_jpeg(6000, 6000)], height=32, width=32),
        "frames too large: 6000x6000 pixels, at most 9 million",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_named_and_the_next_request_is_served(
    server: str, video: Path, case: str
) -> None:
    make, reason = BAD[case]
    good, bad = video.read_bytes(), make()
    for body, kind in (
        (split(good, bad), JSON),
        (inputs(good, bad), JSON),
        (parquet(good, bad), PARQUET),
    ):
        refused(post(server, body, kind), f"^row 1: .*({reason})")
    assert post(server, inputs(good))[0] == 200


def test_a_bomb_inside_a_video_is_refused(server: str, video: Path) -> None:
    refused(post(server, inputs(growing_bomb(6000))), "^row 0: frames too large: 6000x6000 pixels")
    assert post(server, inputs(video.read_bytes()))[0] == 200


def test_wrong_base64(server: str, video: Path) -> None:
    good = text(video.read_bytes())
    for wrong in ("A", "not base64!", "%%%%"):
        refused(post(server, {"inputs": {"video": [good, wrong]}}), "^row 1: neither the bytes of")
    # MLflow itself decodes this form, before the model is asked: it names the column, not the row.
    for wrong in ("A", None, 3):
        body = {"dataframe_split": {"columns": ["video"], "data": [[good], [wrong]]}}
        status, answer = post(server, body)
        assert status == 400
        assert answer["error_class"] == "INVALID_PARAMETER_VALUE"
        assert "Failed to convert column video" in answer["message"]
    assert post(server, {"inputs": {"video": [good]}})[0] == 200


@pytest.mark.slow
def test_too_many_none_and_wrong_params(server: str, video: Path) -> None:
    data = video.read_bytes()
    refused(post(server, parquet(*[data] * 4), PARQUET), "^too many videos: 4, at most 3")
    refused(post(server, split()), "^no rows: ")
    refused(post(server, split(data, top_k=0)), "^params: top_k is '0'")
    refused(
        post(server, split(data, n_clips=65)), "^params: n_clips is '65', a whole number, 0 to 64"
    )
    assert post(server, b"{")[0] == 400
    for kind in (PARQUET, "text/csv"):
        status, answer = post(server, b"PAR1 no parquet\x00,", kind)
        assert status == 400
        # A traceback would name the server's files.
        assert "stack_trace" not in answer
        assert "site-packages" not in json.dumps(answer)
    assert post(server, split(data))[0] == 200


def refused(reply: tuple[int, dict[str, Any]], reason: str) -> None:
    status, answer = reply
    assert status == 400
    assert answer["error_code"] == "INVALID_PARAMETER_VALUE"
    assert len(answer["message"]) < 300
    assert "Traceback" not in json.dumps(answer)
    assert_matches(answer["message"], reason)


def assert_matches(message: str, pattern: str) -> None:
    with pytest.raises(ValueError, match=pattern):
        raise ValueError(message)
