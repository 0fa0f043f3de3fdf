"""Checkpoints: one folder with the architecture, the weights and what is known about them.

`arch.json` is data (never code), `weights.safetensors` holds tensors only, `metadata.json` is the
caller's. Writing is atomic: a folder of that name is whole, old or new, whenever the power fails.
Nothing here unpickles.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from vcc import __version__
from vcc.config.networks.builders import is_builder
from vcc.errors import ModelError, one_line
from vcc.models.architecture import (
    describe_layers,
    describe_sections,
    rebuild_sections,
    resize_layers,
    set_buffer,
    unsaved_buffers,
)
from vcc.models.blueprint import blueprint
from vcc.models.catalog import from_spec
from vcc.models.network import VideoNetwork, network_of
from vcc.models.spec import ModelSpec

FORMAT = 1
ARCH_FILE = "arch.json"
WEIGHTS_FILE = "weights.safetensors"
METADATA_FILE = "metadata.json"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint folder holds.

    Attributes:
        model: in evaluation mode, on the CPU, with the dtype it was saved with.
        metadata: what the caller of `save_checkpoint` had to say.
        folder: where it was read from.
    """

    model: VideoNetwork
    metadata: dict[str, Any]
    folder: Path


def save_checkpoint(
    folder: str | os.PathLike[str], model: nn.Module, metadata: Mapping[str, Any]
) -> Path:
    """Write `model` to `folder`, replacing a checkpoint of that name as a whole.

    Args:
        folder: made here; its parents too.
        model: a network of this package, or one inside a wrapper (the network itself is saved).
        metadata: JSON types only.

    Returns:
        `folder`.

    Raises:
        ModelError: metadata that JSON cannot hold, a folder with something else in it, or a disk
            that is full or read-only; the previous checkpoint stays as it was.
    """
    folder = Path(folder)
    network = network_of(model)
    tensors, tied = _untied(network.state_dict())
    arch = {
        "format": FORMAT,
        # For people; what a reader goes by is the format.
        "vcc_version": __version__,
        "spec": network.spec.as_dict(),
        "layers": describe_layers(network),
        "sections": describe_sections(network),
        "tied": tied,
    }
    files = {
        ARCH_FILE: _to_json(arch, "the architecture"),
        METADATA_FILE: _to_json(dict(metadata), "metadata"),
        WEIGHTS_FILE: to_bytes(tensors),
    }
    _refuse_foreign(folder)
    try:
        _write_folder(folder, files)
    except OSError as error:
        msg = f"{folder}: the checkpoint could not be written ({error.strerror or error}); "
        raise ModelError(msg + "free some space or choose another folder") from error
    return folder


def load_checkpoint(folder: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint back: the same architecture, strictly the same weights.

    Raises:
        ModelError: no checkpoint there, a damaged one, or one of a newer version.
    """
    folder = Path(folder)
    source = _existing(folder)
    arch = _read_json(source / ARCH_FILE)
    metadata = _read_json(source / METADATA_FILE)
    if arch.get("format") != FORMAT:
        msg = f"{source}: format {arch.get('format')!r} is not {FORMAT}: it needs another version"
        raise ModelError(msg)
    try:
        model, kept = _rebuild(arch, source)
        # Copies: the file's own memory map is not aligned as PyTorch aligns, which changes the
        # last bit of what the network computes.
        tensors = {name: t.clone() for name, t in load_file(source / WEIGHTS_FILE).items()}
        tensors |= {name: tensors[first] for name, first in arch["tied"].items()}
        model.load_state_dict(tensors, strict=True, assign=True)
        for name, buffer in kept.items():
            set_buffer(model, name, buffer)
        _refuse_hollow(model)
    except ModelError as error:
        msg = f"{source}: {_reason(error)}"
        raise ModelError(msg) from error
    except Exception as error:  # a damaged file fails anywhere in what it describes
        msg = f"{source}: the checkpoint is damaged ({_reason(error)}): restore it or save it anew"
        raise ModelError(msg) from error
    return Checkpoint(model=model.eval(), metadata=metadata, folder=folder)


def read_metadata(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what the caller of `save_checkpoint` had to say, without the network.

    Raises:
        ModelError: no checkpoint there, or a damaged one.
    """
    return _read_json(_existing(Path(folder)) / METADATA_FILE)


def read_spec(file: Path) -> ModelSpec:
    """Return how a checkpoint's network was asked for, from its `arch.json` alone.

    Raises:
        ModelError: the file is missing, damaged or something else.
    """
    arch = _read_json(file)
    try:
        return ModelSpec(**arch["spec"])
    except (KeyError, TypeError) as error:
        msg = f"{file}: names no network ({_reason(error)}): restore the checkpoint"
        raise ModelError(msg) from error


def _rebuild(arch: Mapping[str, Any], folder: Path) -> tuple[VideoNetwork, dict[str, Tensor]]:
    """Return the network on the meta device, and buffers that only building it gives."""
    spec = ModelSpec(**arch["spec"])
    kept: dict[str, Tensor] = {}
    if is_builder(spec.family):
        # Somebody else's code may look at the numbers it makes, and keep some of them to itself.
        model = from_spec(spec, checkpoint=folder)
        kept = unsaved_buffers(model)
        model.to("meta")
    else:
        with blueprint():
            model = from_spec(spec)
    with blueprint():
        rebuild_sections(model, arch["sections"], before_layers=True)
        resize_layers(model, arch["layers"])
    rebuild_sections(model, arch["sections"])
    return model, kept


def _refuse_hollow(model: nn.Module) -> None:
    """Refuse a network with a tensor that the weights file did not fill."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_meta:
            msg = f"the architecture has a tensor {name!r} without a value"
            raise ModelError(msg)


def _untied(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return contiguous CPU copies, and for tied names the first name of the same tensor."""
    tensors: dict[str, Tensor] = {}
    tied: dict[str, str] = {}
    first_of: dict[tuple[Any, ...], str] = {}
    for name, tensor in state.items():
        where = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device)
        first = first_of.setdefault(where, name)
        if first != name and tensor.numel():
            tied[name] = first
        else:
            copy = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            tensors[name] = copy
    return tensors, tied


def _to_json(data: Mapping[str, Any], what: str) -> bytes:
    try:
        return (json.dumps(data, indent=1, allow_nan=False) + "\n").encode()
    except (TypeError, ValueError) as error:
        msg = f"{what} must be plain JSON ({error}): convert tensors, paths and dates first"
        raise ModelError(msg) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path}: cannot be read as JSON ({_reason(error)}): restore the checkpoint"
        raise ModelError(msg) from error
    if not isinstance(data, dict):
        msg = f"{path}: holds a {type(data).__name__}, not an object: restore the checkpoint"
        raise ModelError(msg)
    return data


def _reason(error: Exception) -> str:
    # Some of these messages print whole state dicts.
    return one_line(error, at_most=300)


def _backup(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _existing(folder: Path) -> Path:
    """Return the folder to read: between the two renames of a replacement it is the backup."""
    for candidate in (folder, _backup(folder)):
        if (candidate / ARCH_FILE).is_file():
            return candidate
    msg = f"{folder}: there is no checkpoint (no {ARCH_FILE}): give the folder that training wrote"
    raise ModelError(msg)


def _refuse_foreign(folder: Path) -> None:
    """Refuse to replace what is not a checkpoint."""
    if folder.is_file() or (
        folder.is_dir() and any(folder.iterdir()) and not (folder / ARCH_FILE).is_file()
    ):
        msg = f"{folder}: holds something else than a checkpoint: choose another folder"
        raise ModelError(msg)


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        new.chmod(0o755)
        for name, content in files.items():
            _write_file(new / name, content)
        _swap(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _write_file(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _swap(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; a reader finds the old one in the backup meanwhile."""
    backup = _backup(folder)
    if folder.exists():
        shutil.rmtree(backup, ignore_errors=True)
        folder.rename(backup)
    new.rename(folder)
    shutil.rmtree(backup, ignore_errors=True)
