"""The served model without its server: what it answers and what it refuses."""

from __future__ import annotations

import base64
import errno
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from data_videos import smooth_frames, write_video
from decoded import read_video
from mlflow.exceptions import MlflowException
from serving_toys import CLIP, LABELS, SHORT_SIDE, export_toy, toy_classifier

from vcc.data.clips.protocol import ClipProtocol
from vcc.tracking.video_model import VideoModel, keep_tracebacks_here


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> VideoModel:
    graph = export_toy(tmp_path_factory.mktemp("served"))
    config = {"provider": "cpu", "threads": 1, "max_videos": 3, "max_video_mib": 0.5}
    served = VideoModel()
    served.load_context(SimpleNamespace(artifacts={"onnx": str(graph)}, model_config=config))
    return served


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("videos")
    return [
        write_video(folder / f"{seed}.avi", smooth_frames(5 + seed, seed=seed)) for seed in range(6)
    ]


def answer(model: VideoModel, *rows: Any, **params: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = model.predict(None, pd.DataFrame({"video": list(rows)}), params)
    return found


def expected_scores(path: Path) -> np.ndarray:
    clips = ClipProtocol.from_options(CLIP).clips(read_video(path, SHORT_SIDE))
    with torch.inference_mode():
        scores: np.ndarray = toy_classifier()(clips.float()).softmax(1).mean(0).numpy()
    return scores


def test_the_scores_are_those_of_the_network(model: VideoModel, videos: list[Path]) -> None:
    for path in videos:
        (row,) = answer(model, path.read_bytes())
        expected = expected_scores(path)
        assert row["labels"] == [LABELS[i] for i in np.argsort(-expected)]
        np.testing.assert_allclose(row["scores"], np.sort(expected)[::-1], atol=1e-5)


def test_bytes_base64_text_and_base64_in_bytes_are_the_same(
    model: VideoModel, videos: list[Path]
) -> None:
    data = videos[0].read_bytes()
    text = base64.b64encode(data)
    broken = base64.encodebytes(data).decode()
    rows = answer(model, data, text, text.decode()) + answer(model, broken)
    assert all(row == rows[0] for row in rows)
    for given in ({"video": [text]}, {"video": np.array([text])}, np.array([text])):
        assert model.predict(None, given) == rows[:1]


def test_params(model: VideoModel, videos: list[Path]) -> None:
    data = videos[5].read_bytes()
    (row,) = answer(model, data, top_k=2, n_clips=1)
    assert len(row["labels"]) == len(row["scores"]) == 2
    assert row["clips"] == 1
    assert len(answer(model, data, top_k=99)[0]["labels"]) == len(LABELS)
    for wrong in ({"top_k": 0}, {"n_clips": -1}, {"n_clips": 65}):
        with pytest.raises(MlflowException, match="params: "):
            answer(model, data, **wrong)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"", "empty"),
        ("", "empty"),
        (b"not a video at all", "row 1: neither the bytes of"),
        ("not base64!", "row 1: neither the bytes of"),
        ("é", "row 1: neither the bytes of"),
        (base64.b64encode(b"no video, though base64").decode(), "row 1: not a video"),
        (None, "row 1: not a video: NoneType"),
        (3.5, "row 1: not a video: float"),
        ("A" * 1_000_000, "row 1: too large"),
        (b"RIFF\x00\x00\x00\x00AVI " + bytes(600_000), "row 1: too large"),
    ],
)
def test_a_bad_row_is_named_and_the_next_request_is_served(
    model: VideoModel, videos: list[Path], row: Any, reason: str
) -> None:
    good = videos[0].read_bytes()
    with pytest.raises(MlflowException, match=reason) as caught:
        answer(model, good, row)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    # The scoring server rewrites the message to begin with the whole request.
    caught.value.message = f"Failed to predict data '{good!r}'"
    assert len(caught.value.serialize_as_json()) < 400
    assert len(answer(model, good)) == 1


def test_a_truncated_video(model: VideoModel, videos: list[Path]) -> None:
    data = write_video(videos[0].with_name("long.avi"), smooth_frames(60)).read_bytes()
    with pytest.raises(MlflowException, match="row 0: (truncated|not a readable video)"):
        answer(model, data[: len(data) // 2])


def test_the_number_of_rows_is_limited(model: VideoModel, videos: list[Path]) -> None:
    data = videos[0].read_bytes()
    with pytest.raises(MlflowException, match="too many videos: 4, at most 3"):
        answer(model, *[data] * 4)
    with pytest.raises(MlflowException, match="no rows"):
        answer(model)
    with pytest.raises(MlflowException, match="no column 'video'"):
        model.predict(None, pd.DataFrame({"film": [data]}))


def test_threads_do_not_mix_up_their_videos(model: VideoModel, videos: list[Path]) -> None:
    alone = [answer(model, path.read_bytes()) for path in videos]
    assert len({str(rows) for rows in alone}) == len(videos)
    with ThreadPoolExecutor(8) as pool:
        numbers = [n % len(videos) for n in range(60)]
        together = list(pool.map(lambda n: answer(model, videos[n].read_bytes()), numbers))
    assert all(rows == alone[n] for n, rows in zip(numbers, together, strict=True))


def test_a_fault_of_the_server_is_logged_and_not_told(
    model: VideoModel,
    videos: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/place")

    monkeypatch.setattr(model._classifier, "classify_bytes", full)
    with pytest.raises(MlflowException) as told:
        answer(model, videos[0].read_bytes())
    assert told.value.get_http_status_code() == 500
    sent = told.value.serialize_as_json()
    assert "row 0: could not be answered, by a fault of the server" in sent
    assert "secret" not in sent
    assert "/secret/place" in caplog.text


@pytest.mark.usefixtures("model")
def test_tracebacks_are_logged_and_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    keep_tracebacks_here()
    error = MlflowException("no Parquet", stack_trace="Traceback: /secret/place")
    sent = json.loads(error.serialize_as_json())
    assert sent["message"] == "no Parquet"
    assert "stack_trace" not in sent
    assert caplog.text.count("/secret/place") == 1
