"""The model registry: names, versions, aliases and the tags that let a version be found again.

Names: `vcc-<arch>-<dataset>` holds checkpoints, dense and compressed; the same plus `-onnx` holds
the exported graphs, plus `-video` the models that take a video. Versions made from one network
share the tag `export_id`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import Array

import vcc
from vcc.errors import TrackingError, one_line
from vcc.tracking.provenance import git_commit, pinned

_logger = logging.getLogger(__name__)

PREFIX = "vcc-"
ONNX_SUFFIX = "-onnx"
VIDEO_SUFFIX = "-video"
GRAPH_NAME = "model.onnx"
_CHECKPOINT_FOLDER = "checkpoint"
_PACKAGE = Path(vcc.__file__).parent
_SERVING_PACKAGES = (
    "av",
    "mlflow",
    "numpy",
    "onnx",
    "onnxruntime-gpu",
    "onnxruntime",
    "opencv-python-headless",
    # Runs int8 files on CPUs; without it they are answered more slowly.
    "openvino",
    "pandas",
    "torch",
)


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a registered model."""

    name: str
    number: int
    model_id: str | None
    created_ms: int
    tags: Mapping[str, str]
    aliases: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """The version as MLflow addresses it."""
        return f"models:/{self.name}/{self.number}"


def registered_name(arch: str, dataset: str) -> str:
    """Return the registry's name for checkpoints of an architecture on a data set."""
    return f"{PREFIX}{arch}-{dataset}"


def register_checkpoint(
    folder: Path,
    *,
    name: str,
    clip_shape: tuple[int, int, int, int],
    n_classes: int,
    tags: Mapping[str, str],
) -> Version:
    """Log a checkpoint folder as a pyfunc and register it as a new version.

    Args:
        folder: as `save_checkpoint` wrote it.
        name: the registered model.
        clip_shape: (3, T, H, W) of the clips it takes.
        n_classes: C.
        tags: what made the version and what it measured.
    """
    if folder.name != _CHECKPOINT_FOLDER:
        msg = f"a checkpoint to register must lie in a folder named {_CHECKPOINT_FOLDER}"
        raise ValueError(msg)
    with _silent():
        info = mlflow.pyfunc.log_model(
            name="checkpoint",
            python_model=str(Path(__file__).with_name("checkpoint_model.py")),
            artifacts={_CHECKPOINT_FOLDER: str(folder)},
            code_paths=[str(_PACKAGE)],
            signature=_signature(clip_shape, n_classes, input_name="pixels"),
            pip_requirements=pinned("mlflow", "numpy", "safetensors", "torch", "torchvision"),
            metadata=dict(tags),
        )
    return _register(info, name, tags)


def register_onnx(
    graph: Any,
    *,
    name: str,
    clip_shape: tuple[int, int, int, int],
    n_classes: int,
    tags: Mapping[str, str],
) -> Version:
    """Log an ONNX graph and register it as a new version.

    Args:
        graph: the `onnx.ModelProto`.
        name: the registered model.
        clip_shape: (3, T, H, W) of the clips it takes.
        n_classes: C.
        tags: what made the version and what it measured.
    """
    with _silent():
        info = mlflow.onnx.log_model(
            graph,
            name="onnx",
            signature=_signature(clip_shape, n_classes, input_name="pixels"),
            # The flavor would pin the CPU wheel even where only the GPU one is installed.
            pip_requirements=pinned("mlflow", "numpy", "onnx", "onnxruntime-gpu", "onnxruntime"),
            onnx_execution_providers=["CUDAExecutionProvider", "CPUExecutionProvider"],
            # One file: weights stored beside it would not count in its size.
            save_as_external_data=False,
            metadata=dict(tags),
        )
    return _register(info, name, tags)


def register_video(
    path: Path, *, name: str, model_config: Mapping[str, Any], tags: Mapping[str, str]
) -> Version:
    """Log an exported file as a pyfunc that takes videos, and register it as a new version.

    Args:
        path: the ONNX file, with its classes and protocol in its metadata.
        name: the registered model.
        model_config: provider, threads and limits of the served model.
        tags: what made the version and what it measured.
    """
    with tempfile.TemporaryDirectory() as folder, _silent():
        graph = Path(folder) / GRAPH_NAME
        shutil.copyfile(path, graph)
        info = mlflow.pyfunc.log_model(
            name="video",
            python_model=str(Path(__file__).with_name("video_model.py")),
            artifacts={"onnx": str(graph)},
            code_paths=[str(_PACKAGE)],
            model_config=dict(model_config),
            signature=video_signature(),
            pip_requirements=pinned(*_SERVING_PACKAGES),
            metadata=dict(tags),
        )
    return _register(info, name, tags)


def set_alias(version: Version, alias: str) -> None:
    """Point an alias at a version, taking it from the one that had it."""
    mlflow.MlflowClient().set_registered_model_alias(version.name, alias, str(version.number))


def tag_version(version: Version, tags: Mapping[str, str]) -> None:
    """Add tags to a version."""
    client = mlflow.MlflowClient()
    for key, value in tags.items():
        client.set_model_version_tag(version.name, str(version.number), key, value)


def describe_version(version: Version, text: str) -> None:
    """Set a version's description, which the list of versions shows beside its aliases."""
    mlflow.MlflowClient().update_model_version(version.name, str(version.number), text)


def list_versions(*, dataset: str | None = None) -> list[Version]:
    """Return every checkpoint version of this project, newest first.

    Args:
        dataset: only versions trained on the data set of this name.
    """
    found = [
        version
        for model in registered_models()
        if not model.name.endswith((ONNX_SUFFIX, VIDEO_SUFFIX))
        for version in versions_of(model)
    ]
    wanted = [v for v in found if dataset is None or v.tags.get("dataset") == dataset]
    return sorted(wanted, key=lambda version: -version.created_ms)


def registered_models() -> list[RegisteredModel]:
    """Return every registered model of this project, in order of names, locks included.

    A server gives them page by page.
    """
    client = mlflow.MlflowClient()
    found: list[RegisteredModel] = []
    token = None
    while True:
        page = client.search_registered_models(f"name LIKE '{PREFIX}%'", page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            return sorted(found, key=lambda model: str(model.name))


def versions_of(model: RegisteredModel) -> list[Version]:
    """Return the versions of a registered model, with their aliases."""
    aliases = _aliases_by_number(model.aliases)
    return [
        _as_version(version, aliases.get(int(version.version), ()))
        for version in mlflow.MlflowClient().search_model_versions(f"name = '{model.name}'")
    ]


def get_version(uri: str) -> Version:
    """Return the version that `models:/NAME@ALIAS` or `models:/NAME/NUMBER` means.

    Raises:
        TrackingError: there is none.
    """
    client = mlflow.MlflowClient()
    try:
        name, number = _parse_uri(uri, client)
        version = client.get_model_version(name, number)
        aliases = _aliases_by_number(client.get_registered_model(name).aliases)
    except mlflow.MlflowException as error:
        msg = f"{uri}: not in the registry at {mlflow.get_registry_uri()}: {error.message}"
        raise TrackingError(msg) from None
    return _as_version(version, aliases.get(int(version.version), ()))


def download_checkpoint(version: Version, *, into: Path, file: str = "") -> Path:
    """Fetch a version's checkpoint folder, or one file of it.

    Args:
        version: of a checkpoint.
        into: folder that it is put in.
        file: name in the checkpoint; "" for all of it.

    Returns:
        The folder or the file.

    Raises:
        TrackingError: the artifact store does not have it.
    """
    below = f"/{file}" if file else ""
    return fetch(f"{version.uri}/artifacts/{_CHECKPOINT_FOLDER}{below}", into=into)


def fetch(uri: str, *, into: Path) -> Path:
    """Copy a file or folder of the artifact store and return where it is now.

    Raises:
        TrackingError: the artifact store does not have it.
    """
    try:
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into)))
    except Exception as error:  # each kind of store has a package with errors of its own
        msg = f"{uri}: cannot be fetched: {one_line(error, at_most=300)}"
        raise TrackingError(msg) from error


def _parse_uri(uri: str, client: mlflow.MlflowClient) -> tuple[str, str]:
    path = uri.removeprefix("models:/")
    if "@" in path:
        name, alias = path.rsplit("@", 1)
        return name, str(client.get_model_version_by_alias(name, alias).version)
    name, _, number = path.partition("/")
    if not number.isdigit():
        msg = f"{uri}: is written as models:/NAME@ALIAS or models:/NAME/NUMBER"
        raise TrackingError(msg)
    return name, number


def _register(info: Any, name: str, tags: Mapping[str, str]) -> Version:
    """Make a logged model a new version, in one step with its tags: by them it is found."""
    commit = git_commit()
    own = {**tags, **({"git_commit": commit} if commit else {})}
    with _silent():
        stored = mlflow.register_model(info.model_uri, name, tags=own)
    version = replace(_as_version(stored, ()), model_id=info.model_id, tags=own)
    _logger.info("registered %s version %d", name, version.number)
    return version


def _as_version(version: ModelVersion, aliases: tuple[str, ...]) -> Version:
    return Version(
        name=version.name,
        number=int(version.version),
        model_id=_model_id_of(version),
        created_ms=int(version.creation_timestamp),
        tags=dict(version.tags),
        aliases=aliases,
    )


def _model_id_of(version: ModelVersion) -> str | None:
    """Return the id of the logged model that a version is; None where it is none."""
    # A registry in a database keeps it in the version's address alone, as models:/ID.
    address = str(version.source or "")
    found = re.fullmatch(r"models:/([^/@]+)", address)
    return getattr(version, "model_id", None) or (found[1] if found else None)


def _aliases_by_number(aliases: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    by_number: dict[int, tuple[str, ...]] = {}
    for alias, number in dict(aliases).items():
        by_number[int(number)] = (*by_number.get(int(number), ()), alias)
    return by_number


def _signature(
    clip_shape: tuple[int, int, int, int], n_classes: int, *, input_name: str
) -> ModelSignature:
    clips = TensorSpec(np.dtype("float32"), (-1, *clip_shape), input_name)
    logits = TensorSpec(np.dtype("float32"), (-1, n_classes), "logits")
    return ModelSignature(inputs=Schema([clips]), outputs=Schema([logits]))


def video_signature() -> ModelSignature:
    """Return what the model that takes a video takes and gives."""
    return ModelSignature(
        inputs=Schema([ColSpec("binary", "video")]),
        outputs=Schema(
            [
                ColSpec(Array("string"), "labels"),
                ColSpec(Array("double"), "scores"),
                ColSpec("long", "clips"),
            ]
        ),
        params=ParamSchema(
            [
                ParamSpec("top_k", DataType.integer, 5),
                ParamSpec("n_clips", DataType.integer, 0),
            ]
        ),
    )


@contextlib.contextmanager
def _silent() -> Any:
    # MLflow writes "Created version ..." to both streams; our own line says the same once.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
