"""Whatever is sent to the served model, it answers or says what is wrong with which row."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bad_videos import damaged_video, tiny_videos
from fuzzing import few_or_many, fuzz
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.pyfunc import PyFuncModel
from mlflow.pyfunc.scoring_server import CONTENT_TYPE_JSON, invocations
from serving_toys import LABELS, export_toy

from vcc.tracking.registry import video_signature
from vcc.tracking.video_model import VideoModel

CONFIG = {"provider": "cpu", "threads": 1, "max_videos": 4, "max_video_mib": 1.0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> VideoModel:
    graph = export_toy(tmp_path_factory.mktemp("served"))
    served = VideoModel()
    served.load_context(SimpleNamespace(artifacts={"onnx": str(graph)}, model_config=CONFIG))
    return served


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return tiny_videos(tmp_path_factory.mktemp("seeds"))


def rows(seeds: list[bytes]) -> st.SearchStrategy[Any]:
    """What may stand where a video should."""
    videos = damaged_video(seeds)
    text = videos.map(lambda data: base64.b64encode(data).decode())
    return st.one_of(
        videos,
        text,
        text.map(lambda value: value[:-1]),
        text.map(str.encode),
        st.text(max_size=50),
        st.binary(max_size=50),
        st.none(),
        st.integers(),
        st.floats(),
        st.lists(st.integers(), max_size=3),
        st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    )


PARAMS = st.dictionaries(
    st.sampled_from(("top_k", "n_clips", "other")),
    st.one_of(st.integers(-2, 70), st.floats(), st.text(max_size=3), st.none(), st.booleans()),
    max_size=3,
)


def check_rows(answer: Any, *, count: int) -> None:
    assert len(answer) == count
    for row in answer:
        assert set(row) == {"labels", "scores", "clips"}
        assert set(row["labels"]) <= set(LABELS)
        assert len(row["labels"]) == len(row["scores"]) >= 1
        assert all(0 <= score <= 1.0001 for score in row["scores"])
        assert row["clips"] >= 1


def answered_or_refused(model: VideoModel, seeds: list[bytes], data: st.DataObject) -> None:
    column = data.draw(st.lists(rows(seeds), max_size=5))
    shape = data.draw(st.sampled_from(("frame", "mapping", "list", "array", "scalar")))
    array = np.empty(len(column), object)
    array[:] = column
    given_input: Any = {
        "frame": pd.DataFrame({"video": pd.Series(column, dtype=object)}),
        "mapping": {"video": column},
        "list": column,
        "array": {"video": array},
        "scalar": column[0] if column else None,
    }[shape]
    params = data.draw(PARAMS)
    answer, error = outcome(lambda: model.predict(None, given_input, params))
    if error is not None:
        assert error.error_code == "INVALID_PARAMETER_VALUE"
        assert len(error.message) < 400
        return
    check_rows(answer, count=len(answer) if shape == "scalar" else len(column))


def outcome(call: Callable[[], Any]) -> tuple[Any, MlflowException | None]:
    """Return what came back and the error, one of them None; any other error is a failure."""
    try:
        return call(), None
    except MlflowException as error:
        return None, error


@few_or_many(100)
def test_any_rows(model: VideoModel, seeds: list[bytes], examples: int) -> None:
    fuzz(st.data(), lambda data: answered_or_refused(model, seeds, data), examples)


@pytest.fixture(scope="module")
def endpoint(model: VideoModel) -> PyFuncModel:
    """The model as the scoring server holds it, with the registered signature."""
    metadata = Model(signature=video_signature())
    metadata.add_flavor("python_function", loader_module="none")
    return PyFuncModel(metadata, SimpleNamespace(predict=_PredictFn(model)), predict_fn="predict")


class _PredictFn:
    def __init__(self, model: VideoModel) -> None:
        self._model = model

    def __call__(self, model_input: Any, params: Any = None) -> Any:
        return self._model.predict(None, model_input, params)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def body_answered_or_refused(
    endpoint: PyFuncModel, seeds: list[bytes], data: st.DataObject
) -> None:
    video = st.sampled_from(seeds).map(lambda value: base64.b64encode(value).decode())
    cell = video | JSON_VALUES
    form = data.draw(st.sampled_from(("inputs", "instances", "dataframe_split", "junk")))
    body: Any = {
        "inputs": {"inputs": {"video": data.draw(cell | st.lists(cell, max_size=4))}},
        "instances": {"instances": [{"video": data.draw(cell)}]},
        "dataframe_split": {
            "dataframe_split": {"columns": ["video"], "data": [[data.draw(cell)]]},
            "params": data.draw(JSON_VALUES),
        },
        "junk": data.draw(JSON_VALUES),
    }[form]
    raw = json.dumps(body).encode()
    schema = endpoint.metadata.get_input_schema()
    reply, error = outcome(lambda: invocations(raw, CONTENT_TYPE_JSON, endpoint, schema))
    if error is not None:
        # Some MLflow refuses by itself: what is no column of this kind.
        assert error.get_http_status_code() == 400
        assert not error.json_kwargs.get("stack_trace")
        return
    assert reply.status == 200
    answer = json.loads(reply.response)["predictions"]
    check_rows(answer, count=len(answer))


@few_or_many(80)
def test_any_body(endpoint: PyFuncModel, seeds: list[bytes], examples: int) -> None:
    fuzz(st.data(), lambda data: body_answered_or_refused(endpoint, seeds, data), examples)
