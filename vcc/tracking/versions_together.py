"""Versions made together: a checkpoint, its graph and the model that takes a video.

They are registered under three names that differ by a suffix and share the tag `export_id`. An
alias may sit on any of them, whoever set it; the others are found by the tag. A checkpoint that is
exported again bears the newest export's; an earlier export finds it by its tag `checkpoint`.
"""

from __future__ import annotations

from pathlib import Path

import mlflow

from vcc.errors import TrackingError
from vcc.tracking.registry import (
    GRAPH_NAME,
    ONNX_SUFFIX,
    VIDEO_SUFFIX,
    Version,
    fetch,
    get_version,
    registered_models,
)

# In the order in which aliases move: what is served moves last, when all the rest is in place.
SUFFIXES = ("", ONNX_SUFFIX, VIDEO_SUFFIX)
# What is served says which export an alias of promotion means.
SERVED_FIRST = tuple(reversed(SUFFIXES))
CHAMPION = "champion"
PREVIOUS = "previous"


def base_name(name: str) -> str:
    """Return the name of the checkpoints that a registered model belongs to."""
    for suffix in (ONNX_SUFFIX, VIDEO_SUFFIX):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def find_version(name: str, reference: str) -> Version | None:
    """Return a registered model's version by alias or number, None where it has no such version.

    Args:
        name: the registered model.
        reference: an alias, or a number.
    """
    # Only "there is none" is an answer: a server that does not answer is an error.
    client = mlflow.MlflowClient()
    number: str | None
    try:
        if reference.isdecimal():
            number = str(client.get_model_version(name, reference).version)
        else:
            number = dict(client.get_registered_model(name).aliases).get(reference)
    except mlflow.MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        msg = f"{name}: cannot be looked up at {mlflow.get_registry_uri()}: {error.message}"
        raise TrackingError(msg) from error
    return None if number is None else get_version(f"models:/{name}/{number}")


def versions_together(version: Version) -> dict[str, Version]:
    """Return suffix -> version for everything made with this version, itself included.

    Without the tag `export_id`, as of a version that somebody registered by hand, it is alone.
    """
    own = version.name.removeprefix(base_name(version.name))
    together = {own: version}
    for suffix in SUFFIXES:
        if suffix == own:
            continue
        found = _made_with(version, suffix)
        if found is not None:
            together[suffix] = found
    return together


def _made_with(version: Version, suffix: str) -> Version | None:
    """Return the newest version of a form that was made with a version, None where none is."""
    name = base_name(version.name) + suffix
    checkpoint = None if suffix else version.tags.get("checkpoint")
    export_id = version.tags.get("export_id")
    found = [
        int(each.version)
        for each in mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
        if (
            f"models:/{name}/{each.version}" == checkpoint
            if checkpoint
            else export_id is not None and each.tags.get("export_id") == export_id
        )
    ]
    return get_version(f"models:/{name}/{max(found)}") if found else None


def graph_version(version: Version) -> Version:
    """Return the version of the ONNX graph that was made with a version.

    Raises:
        TrackingError: it was not exported.
    """
    graph = versions_together(version).get(ONNX_SUFFIX)
    if graph is None:
        msg = (
            f"{version.uri}: has no exported graph: make one with `mlflow run . -e export "
            f"--env-manager local -P source={version.uri}`"
        )
        raise TrackingError(msg)
    return graph


def download_graph(version: Version, *, into: Path) -> Path:
    """Fetch the ONNX file that was made with a version, whichever of the three it is.

    Raises:
        TrackingError: it was not exported, or the artifact store does not have the file.
    """
    return fetch(f"{graph_version(version).uri}/{GRAPH_NAME}", into=into)


def names_with(alias: str) -> list[str]:
    """Return the names of checkpoints of which some form has an alias, in order."""
    models = registered_models()
    return sorted({base_name(model.name) for model in models if alias in dict(model.aliases)})


def only_name_with(alias: str, *, option: str) -> str:
    """Return the one name of which some form has an alias.

    Args:
        alias: such as "champion".
        option: what chooses one, for the message.

    Raises:
        TrackingError: none has it, or several do.
    """
    names = names_with(alias)
    if len(names) != 1:
        if names:
            msg = f"{alias}: several have one: {', '.join(names)}: choose by {option}"
        else:
            msg = (
                f"{alias}: no registered model at {mlflow.get_registry_uri()} has one: promote one "
                f"there, choose by {option}, or name another store in MLFLOW_TRACKING_URI"
            )
        raise TrackingError(msg)
    return names[0]


def version_by(name: str, reference: str) -> Version:
    """Return the version that an alias or a number means, on any of the three names.

    A number is the checkpoint's. `champion` and `previous` are those of what is served.

    Raises:
        TrackingError: there is none.
    """
    for suffix in SERVED_FIRST if reference in (CHAMPION, PREVIOUS) else SUFFIXES:
        found = find_version(base_name(name) + suffix, reference)
        if found is not None:
            return found
        if reference.isdecimal():
            break
    msg = (
        f"{base_name(name)}: has no version {reference!r} at {mlflow.get_registry_uri()}: set the "
        "alias in the MLflow UI, or give a number"
    )
    raise TrackingError(msg)
