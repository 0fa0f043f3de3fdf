"""A small registry that fits together: checkpoints, graphs and served models of a few bytes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import mlflow
from databases import new_database

from vcc.models.checkpoint import ARCH_FILE, METADATA_FILE, WEIGHTS_FILE
from vcc.tracking.inventory import Registration, read_registry

BASE = "vcc-toy-motion"
_GRAPH = b"a graph"
_FILES = {
    "": [f"artifacts/checkpoint/{name}" for name in (ARCH_FILE, METADATA_FILE, WEIGHTS_FILE)],
    "-onnx": ["model.onnx"],
    "-video": ["artifacts/model.onnx"],
}


@dataclass(frozen=True)
class ToyRegistry:
    """Where it lies, and the client that changes it."""

    folder: Path
    client: mlflow.MlflowClient

    def read(self) -> Registration:
        """Return the one network's registration, as the doctor reads it."""
        (registration,) = read_registry()
        return registration

    def add(self, suffix: str, *, source: Path | None = None, **tags: str) -> int:
        """Register one more version and return its number."""
        made = self.client.create_model_version(
            BASE + suffix, str(source or self.folder / f"model{suffix}"), tags=tags
        )
        return int(made.version)

    def alias(self, alias: str, number: int, *suffixes: str) -> None:
        """Point an alias at a version, in all forms unless some are named."""
        for suffix in suffixes or _FILES:
            self.client.set_registered_model_alias(BASE + suffix, alias, str(number))

    def forget(self, suffix: str, number: int) -> None:
        """Delete a version."""
        self.client.delete_model_version(BASE + suffix, str(number))


def make_registry(folder: Path) -> None:
    """Register three networks with their exports; the second is champion, the first previous."""
    mlflow.set_tracking_uri(new_database(folder))
    toy = ToyRegistry(folder, mlflow.MlflowClient())
    for suffix, names in _FILES.items():
        toy.client.create_registered_model(BASE + suffix)
        for name in names:
            path = folder / f"model{suffix}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_GRAPH)
    for number in ("1", "2", "3"):
        for suffix in _FILES:
            origin = {"checkpoint": f"models:/{BASE}/{number}"} if suffix else {}
            size = str(len(_GRAPH))
            toy.add(suffix, export_id=f"e{number}", role="dense", size_bytes=size, **origin)
    toy.alias("previous", 1)
    toy.alias("champion", 2)


def copy_registry(made: Path, folder: Path) -> ToyRegistry:
    """Return a registry of its own with the same content; the files of `made` are shared."""
    shutil.copy(made / "mlflow.db", folder)
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    return ToyRegistry(made, mlflow.MlflowClient())
