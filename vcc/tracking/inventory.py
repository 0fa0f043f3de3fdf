"""What the registry and the artifact store hold, read and compared by nobody yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

import mlflow
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException

from vcc.errors import TrackingError, one_line
from vcc.tracking.promotion_lock import LOCK_SUFFIX
from vcc.tracking.registry import Version, registered_models, versions_of
from vcc.tracking.versions_together import SUFFIXES, base_name


@dataclass(frozen=True, kw_only=True)
class Registration:
    """Everything registered for one architecture on one data set.

    Attributes:
        base: name of the checkpoints.
        forms: suffix -> number -> version; a form that was never registered is empty.
        aliases: (suffix, alias) -> number of the version that has it.
        locked: whether a promotion's lock is there.
    """

    base: str
    forms: Mapping[str, Mapping[int, Version]]
    aliases: Mapping[tuple[str, str], int]
    locked: bool

    def made_with(self, export_id: str | None) -> list[Version]:
        """Return the versions of all forms that share an export, in order of forms."""
        return [
            version
            for versions in self.forms.values()
            for version in versions.values()
            if export_id is not None and version.tags.get("export_id") == export_id
        ]

    def checkpoint_of(self, version: Version) -> Version | None:
        """Return the checkpoint that an exported version was made from, None where it is gone."""
        told, export_id = version.tags.get("checkpoint"), version.tags.get("export_id")
        for each in self.forms[""].values():
            if each.uri == told or (told is None and each in self.made_with(export_id)):
                return each
        return None

    def has(self, uri: str) -> bool:
        """Return whether a checkpoint of that URI is registered."""
        return any(version.uri == uri for version in self.forms[""].values())


def read_registry() -> list[Registration]:
    """Return everything of this project in the registry, by name.

    Raises:
        TrackingError: the registry does not answer.
    """
    try:
        models = {model.name: model for model in registered_models()}
        locks = {name for name in models if name.endswith(LOCK_SUFFIX)}
        bases = {base_name(name) for name in models if name not in locks}
        bases |= {name.removesuffix(LOCK_SUFFIX) for name in locks}
        return [_registration(base, models, base + LOCK_SUFFIX in locks) for base in sorted(bases)]
    except MlflowException as error:
        msg = f"{mlflow.get_registry_uri()}: cannot be read: {one_line(error.message)}"
        raise TrackingError(msg) from error


def _registration(base: str, models: Mapping[str, RegisteredModel], locked: bool) -> Registration:
    there = {suffix: models[base + suffix] for suffix in SUFFIXES if base + suffix in models}
    return Registration(
        base=base,
        forms={
            suffix: {v.number: v for v in versions_of(there[suffix])} if suffix in there else {}
            for suffix in SUFFIXES
        },
        aliases={
            (suffix, alias): int(number)
            for suffix, model in there.items()
            for alias, number in dict(model.aliases).items()
        },
        locked=locked,
    )


def stored_files(version: Version, folder: str = "") -> dict[str, int | None]:
    """Return name -> size in bytes of what the artifact store holds of a version.

    Args:
        version: of any form.
        folder: of its files; "" for the top. A folder in it has no size.

    Raises:
        TrackingError: the store cannot be asked.
    """
    uri = f"{version.uri}/{folder}" if folder else version.uri
    try:
        found: Iterable[mlflow.entities.FileInfo] = mlflow.artifacts.list_artifacts(uri)
    except Exception as error:  # each kind of store has a package with errors of its own
        msg = f"{uri}: the artifact store cannot be asked: {one_line(error)}"
        raise TrackingError(msg) from error
    return {Path(each.path).name: each.file_size for each in found}


def recorded_data(run_id: str) -> list[Path]:
    """Return the folders of prepared data that a run recorded as its input.

    Where the run was deleted, there are none. Inputs that other programs recorded are passed over.
    """
    try:
        run = mlflow.MlflowClient().get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return []
        msg = f"run {run_id}: cannot be looked up: {one_line(error.message)}"
        raise TrackingError(msg) from error
    inputs = run.inputs.dataset_inputs if run.inputs else []
    uris = [_recorded_uri(each.dataset.source) for each in inputs]
    return [_local_path(uri) for uri in uris if uri]


def _recorded_uri(source: str) -> str:
    """Return the place that a recorded input names, "" where it names none: each kind has its own
    form, and anybody may record one.
    """
    try:
        found = json.loads(source)
    except (ValueError, RecursionError):
        return ""
    uri = found.get("uri") if isinstance(found, dict) else None
    # A path with a zero in it is one that nobody can open.
    return uri if isinstance(uri, str) and "\0" not in uri else ""


def _local_path(uri: str) -> Path:
    parsed = urlparse(uri)
    return Path(unquote(parsed.path)) if parsed.scheme == "file" else Path(uri)
