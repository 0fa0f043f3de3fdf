"""Weights from elsewhere: published `.pth` files, and checkpoints, loaded into a given network.

Files from others are pickles; they are read with PyTorch's restricted unpickler, which builds
tensors and plain containers only. The published ones also hold a numpy number (`best_prec1`):
the few numpy types that it takes are allowed by name, and nothing else.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vcc.errors import ModelError, printable
from vcc.models.builders.compiled import compiled_form
from vcc.models.catalog import identify
from vcc.models.checkpoint import ARCH_FILE, load_checkpoint
from vcc.models.network import VideoNetwork, network_of

logger = logging.getLogger(__name__)

# What wrappers put before every name: DataParallel, torch.compile, Lightning, PixelClassifier.
_WRAPPERS = ("module.", "_orig_mod.", "model.", "network.", "net.")

# Under which a training's file keeps the weights, beside its epoch and its optimizer.
_STATE_KEYS = (
    *("state_dict", "model_state_dict", "model_state", "model", "net_state_dict", "net"),
    *("network", "module", "weights", "params"),
)
# Such as a wrapper's state inside a training's.
_DEEPEST = 3

# Files from before numpy 2 name the module `numpy.core`.
_NUMPY_NUMBERS: list[Any] = [
    (np._core.multiarray.scalar, "numpy._core.multiarray.scalar"),  # type: ignore[attr-defined]
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),  # type: ignore[attr-defined]
    np.dtype,
    np.dtypes.Float64DType,
    np.dtypes.Float32DType,
    np.dtypes.Int64DType,
]


@dataclass(frozen=True)
class LoadReport:
    """What loading weights did.

    Attributes:
        path: the file or checkpoint folder.
        matched: names that were loaded.
        missing: names of the network that the file lacks and that keep their values: the step
            counters of BatchNorm, which old files have not, and a replaced head.
        file_classes: classes of the head in the file, None if it has no head.
        head_replaced: whether the network kept its own, fresh head.
    """

    path: Path
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    file_classes: int | None
    head_replaced: bool

    def as_text(self) -> str:
        """Return one line that says what matched."""
        total = len(self.matched) + len(self.missing)
        parts = [f"{self.path}: {len(self.matched)} of {total} tensors matched"]
        if self.head_replaced:
            parts.append(f"the head of {self.file_classes} classes replaced by a fresh one")
        kept = [name for name in self.missing if not name.endswith(".num_batches_tracked")]
        if kept:
            parts.append(f"not loaded: {', '.join(kept)}")
        return "; ".join(parts)


def load_weights(
    model: nn.Module, path: str | os.PathLike[str], *, replace_head: bool = False
) -> LoadReport:
    """Load weights into a network, in place; all of them must fit.

    Args:
        model: a network of this package.
        path: a file that a training wrote, with the weights bare or under a usual name such as
            `state_dict`, `model` or `model_state_dict`, with or without a wrapper's `module.`
            before their names; a `.safetensors` file; or a checkpoint folder.
        replace_head: leave the file's classifier out, whatever its number of classes, and keep
            the network's own, for training on other classes.

    Raises:
        ModelError: no such file, one that is not safe or not readable, weights of another
            architecture or number of classes, or ones that are no finite numbers. The network is
            then as it was.
    """
    path = Path(path)
    network = network_of(model)
    state = _unwrapped(_read(path), network.state_dict())
    state = {network.name_today(name): tensor for name, tensor in state.items()}
    head = (f"{network.head_name}.weight", f"{network.head_name}.bias")
    file_classes = _rows(state.get(head[0]))
    own = network.state_dict()
    if replace_head:
        own = {name: tensor for name, tensor in own.items() if name not in head}
    elif file_classes is not None and file_classes != network.spec.n_classes:
        msg = (
            f"{path}: has {file_classes} classes and the network {network.spec.n_classes}: "
            f"ask for a new head (n_finetune_classes) or build the network with {file_classes}"
        )
        raise ModelError(msg)
    _refuse_misfits(path, network, own, state)
    matched = tuple(name for name in own if name in state)
    _refuse_not_finite(path, {name: state[name] for name in matched})
    missing = tuple(name for name in network.state_dict() if name not in matched)
    network.load_state_dict({name: state[name] for name in matched}, strict=False)
    report = LoadReport(path, matched, missing, file_classes, replace_head)
    logger.info("%s", report.as_text())
    return report


def _rows(weight: Tensor | None) -> int | None:
    return int(weight.shape[0]) if weight is not None and weight.ndim else None


def _refuse_misfits(
    path: Path, network: VideoNetwork, own: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> None:
    """Refuse a file that lacks a tensor, has it in another shape, or has one too many."""
    head = f"{network.head_name}."
    lacking = [n for n in own if n not in state and not n.endswith(".num_batches_tracked")]
    surplus = [n for n in state if n not in own and not n.startswith(head)]
    shapes = [n for n in own if n in state and own[n].shape != state[n].shape]
    for problem, names in (
        ("lacks", lacking),
        ("has other shapes for", shapes),
        ("has tensors that the network has not:", surplus),
    ):
        if names:
            listed = ", ".join(map(printable, names[:3])) + (
                f" and {len(names) - 3} more" if names[3:] else ""
            )
            found = identify({name: tuple(tensor.shape) for name, tensor in state.items()})
            advice = (
                f"it fits {found}" if found else "check the model and its options, such as depth"
            )
            msg = f"{path}: does not fit this network: it {problem} {listed}; {advice}"
            raise ModelError(msg)


def _refuse_not_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse weights that a training which broke down left behind: all they give is NaN."""
    bad = [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        msg = (
            f"{path}: {printable(bad[0])}{more} holds NaN or infinity: give weights from before "
            "the training broke down"
        )
        raise ModelError(msg)


def _unwrapped(state: Mapping[str, Tensor], own: Collection[str]) -> dict[str, Tensor]:
    """Return the state without the prefixes of wrappers, as long as they are no names of `own`."""
    names = dict(state)
    for _ in range(len(_WRAPPERS)):
        for prefix in _WRAPPERS:
            if any(name in own for name in names):
                return names
            if names and all(name.startswith(prefix) for name in names):
                names = {name.removeprefix(prefix): value for name, value in names.items()}
    return names


def _read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name."""
    if (path / ARCH_FILE).is_file():
        return load_checkpoint(path).model.state_dict()
    if not path.is_file():
        msg = f"{path}: there is no such file: give a .pth file or a checkpoint folder"
        raise ModelError(msg)
    if form := compiled_form(path):
        msg = (
            f"{path}: is {form}: a graph without the code that trains; give the weights of the "
            "network it was made from: torch.save(network.state_dict(), 'weights.pth')"
        )
        raise ModelError(msg)
    try:
        if path.suffix.casefold() == ".safetensors":
            content: Any = load_file(path)
        else:
            with torch.serialization.safe_globals(_NUMPY_NUMBERS):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(_refusal(path, error)) from error
    except Exception as error:  # a damaged file fails anywhere in the unpickler
        msg = f"{path}: cannot be read as weights ({type(error).__name__}): get the file again"
        raise ModelError(msg) from error
    return _tensors(path, content)


def _refusal(path: Path, error: Exception) -> str:
    found = re.search(r"GLOBAL (\S+)", str(error))
    what = f"objects of type {found.group(1)}" if found else "something that is not weights"
    return f"{path}: holds {what}, which is not loaded for safety: save its state_dict alone"


def _tensors(path: Path, content: object) -> dict[str, Tensor]:
    """Return the state dict in a file's content, whether bare or under one of the usual keys."""
    for _ in range(_DEEPEST):
        inner = _inner_state(content)
        if inner is None:
            break
        content = inner
    if isinstance(content, Mapping):
        tensors = {
            name: value
            for name, value in content.items()
            if isinstance(name, str) and isinstance(value, Tensor)
        }
        if tensors and len(tensors) == len(content):
            return tensors
    found = list(content)[:5] if isinstance(content, Mapping) else []
    keys = f" but {', '.join(printable(str(key)) for key in found)}" if found else ""
    msg = (
        f"{path}: holds no state_dict of tensors{keys}: give one bare, or under state_dict or model"
    )
    raise ModelError(msg)


def _inner_state(content: object) -> Mapping[object, object] | None:
    """Return the mapping that a file keeps weights in, None where they lie bare."""
    if not isinstance(content, Mapping):
        return None
    found = (content.get(key) for key in _STATE_KEYS)
    return next((value for value in found if isinstance(value, Mapping)), None)
