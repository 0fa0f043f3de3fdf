"""The pyfunc that is served: videos in, labels and scores out.

MLflow runs this file to rebuild the model (model from code), so nothing of it is pickled. The ONNX
file is its artifact, the project's own code travels beside it.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow.models
import mlflow.telemetry
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel

from vcc.config.serving import MOST_CLIPS, ServingOptions
from vcc.data.decoding.containers import HEAD_BYTES, KINDS, container_suffix
from vcc.data.decoding.errors import BadVideoError
from vcc.tracking.video_classifier import VideoClassifier

_logger = logging.getLogger(__name__)

COLUMN = "video"
# Base64 of n bytes has 4/3 n characters, and lines of it may be broken.
_BASE64_GROWTH = 1.4


class _AnswerError(MlflowException):
    """An error whose message stays as it is.

    The scoring server puts the whole request, megabytes of it, in front of the message otherwise.
    """

    code: int

    def __init__(self, message: str) -> None:
        self._own_message = message
        super().__init__(message, error_code=self.code)

    @property
    def message(self) -> str:
        """What is wrong, and in which row."""
        return self._own_message

    @message.setter
    def message(self, _ignored: str) -> None:
        return


class BadRequestError(_AnswerError):
    """A request that cannot be answered."""

    code = INVALID_PARAMETER_VALUE


class FaultError(_AnswerError):
    """A request that was not answered by a fault of the server: a full disk, say, or a defect."""

    code = INTERNAL_ERROR


class VideoModel(PythonModel):
    """Classifies the videos of the column `video`, each as bytes or as base64 text."""

    def load_context(self, context: Any) -> None:
        """Open the exported file once; its session serves every request."""
        keep_tracebacks_here()
        # The server imported MLflow before this code could switch its usage figures off.
        mlflow.telemetry.set_telemetry_client()  # type: ignore[no-untyped-call]
        config = dict(context.model_config or {})
        provider = str(config.pop("provider", "auto"))
        threads = int(config.pop("threads", 0))
        self._limits = ServingOptions.from_mapping(config, where="model_config")
        self._classifier = VideoClassifier(
            Path(context.artifacts["onnx"]),
            provider=provider,
            threads=threads,
            limits=self._limits,
        )

    # MLflow would take a type hint for the signature, and warns of any that it cannot.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return one {"labels", "scores", "clips"} per row, best label first."""
        settings = dict(params or {})
        top_k = _whole("top_k", settings.get("top_k", 5), least=1)
        n_clips = _whole("n_clips", settings.get("n_clips", 0), least=0, most=MOST_CLIPS)
        videos = _column(model_input)
        if not videos:
            msg = f"no rows: give one video per row in the column {COLUMN!r}"
            raise BadRequestError(msg)
        if len(videos) > self._limits.max_videos:
            msg = f"too many videos: {len(videos)}, at most {self._limits.max_videos} are taken"
            raise BadRequestError(msg)
        return [
            self._answer(number, video, top_k=top_k, n_clips=n_clips)
            for number, video in enumerate(videos)
        ]

    def _answer(self, row: int, video: Any, *, top_k: int, n_clips: int) -> dict[str, Any]:
        try:
            data = as_bytes(video, max_bytes=int(self._limits.max_video_mib * 2**20))
            found = self._classifier.classify_bytes(data, n_clips=n_clips)
        except BadVideoError as error:
            msg = f"row {row}: {error}"
            raise BadRequestError(msg) from None
        except Exception:
            # Its text may name files of this machine.
            _logger.exception("row %d could not be answered", row)
            msg = f"row {row}: could not be answered, by a fault of the server: its log says more"
            raise FaultError(msg) from None
        best = found.best(top_k)
        return {
            "labels": [label for label, _ in best],
            "scores": [score for _, score in best],
            "clips": found.clips,
        }


def keep_tracebacks_here() -> None:
    """Have MLflow write tracebacks to its log, which it sends to whoever asked otherwise.

    They name paths of this machine. A body that is no Parquet is enough to be sent one.
    """
    send = MlflowException.serialize_as_json
    if getattr(send, "keeps_tracebacks", False):
        return

    def serialize_as_json(error: MlflowException) -> str:
        trace = error.json_kwargs.pop("stack_trace", None)
        if trace:
            _logger.error("%s", trace)
        return str(send(error))  # type: ignore[no-untyped-call]

    serialize_as_json.keeps_tracebacks = True  # type: ignore[attr-defined]
    MlflowException.serialize_as_json = serialize_as_json  # type: ignore[method-assign]


def as_bytes(video: Any, *, max_bytes: int) -> bytes:
    """Return a video's bytes from bytes, base64 text, or base64 text in bytes.

    MLflow decodes `dataframe_split` itself, and hands on the text of `inputs` as bytes.

    Raises:
        BadVideoError: it is neither, or is larger than `max_bytes`.
    """
    if isinstance(video, str):
        video = video.encode("ascii", "replace")
    if not isinstance(video, bytes | bytearray | memoryview):
        msg = f"not a video: {type(video).__name__}, where bytes or base64 text are taken"
        raise BadVideoError(msg)
    data = bytes(video)
    if not data or container_suffix(data[:HEAD_BYTES]) is not None:
        return data
    if len(data) > _BASE64_GROWTH * max_bytes:
        msg = f"too large: more than the {max_bytes / 2**20:g} MiB that are taken"
        raise BadVideoError(msg)
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        msg = f"neither the bytes of a video ({KINDS}) nor base64 of one"
        raise BadVideoError(msg) from None


def _column(model_input: Any) -> list[Any]:
    values = model_input
    if isinstance(model_input, Mapping) or hasattr(model_input, "columns"):
        try:
            values = model_input[COLUMN]
        except KeyError:
            msg = f"no column {COLUMN!r}: it holds one video per row"
            raise BadRequestError(msg) from None
    if isinstance(values, str | bytes | bytearray | memoryview):
        return [values]
    try:
        rows = list(np.atleast_1d(values) if isinstance(values, np.ndarray) else values)
    except TypeError:
        msg = f"{type(values).__name__}, where a column of videos is taken, one per row"
        raise BadRequestError(msg) from None
    return [row.item() if isinstance(row, np.generic) else row for row in rows]


def _whole(name: str, value: Any, *, least: int, most: int | None = None) -> int:
    wanted = f"at least {least}" if most is None else f"{least} to {most}"
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        msg = f"params: {name} is {str(value)[:40]!r}, a whole number, {wanted}, is wanted"
        raise BadRequestError(msg)
    return int(value)


mlflow.models.set_model(VideoModel())
