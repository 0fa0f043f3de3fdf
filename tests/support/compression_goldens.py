"""Golden numbers of the original package, read where the checkout stands beside them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn

from vcc.compression import file_config

SHARED = Path(__file__).resolve().parents[3] / "shared"
GOLDEN = SHARED / "distiller_golden"
SCHEDULES = SHARED / "distiller_schedules"


@functools.cache
def _cases() -> dict[str, Any]:
    path = GOLDEN / "golden.json"
    if not path.is_file():
        return {}
    return {case["id"]: case for case in json.loads(path.read_text())["cases"]}


@functools.cache
def _arrays() -> Any:
    return np.load(GOLDEN / "golden.npz", allow_pickle=False)


def golden_ids(prefix: str, *, without: tuple[str, ...] = ()) -> list[Any]:
    """Return the ids that begin with a prefix, or one skipped parameter where there are none."""
    found = [case for case in _cases() if case.startswith(prefix) and case not in without]
    if not found:
        return [pytest.param("", marks=pytest.mark.skip(reason="no ../shared/distiller_golden"))]
    return sorted(found)


def golden(case_id: str) -> dict[str, Any]:
    """Return a case; skips the test where the goldens are not beside the checkout."""
    if not _cases():
        pytest.skip("no ../shared/distiller_golden beside the checkout")
    return dict(_cases()[case_id])


def array(key: str) -> Tensor:
    """Return a golden array as a tensor."""
    return torch.from_numpy(np.array(_arrays()[key]))


def array_keys(prefix: str) -> list[str]:
    """Return the keys of golden arrays that begin with a prefix."""
    return [key for key in _arrays().files if key.startswith(prefix)]


def bag(**tensors: Tensor) -> nn.Module:
    """Return a module whose parameters are named `a.weight` for a keyword `a_weight`, ..."""
    model = nn.Module()
    for key, value in tensors.items():
        owner, _, attribute = key.rpartition("_")
        if not hasattr(model, owner):
            model.add_module(owner, nn.Module())
        model.get_submodule(owner).register_parameter(attribute, nn.Parameter(value.clone()))
    return model


def pruner_schedule(
    class_name: str, *, epochs: tuple[int, int, int] = (0, 1, 1), args: Any = None, **fields: Any
) -> dict[str, Any]:
    """Return a schedule with one pruner that acts in epochs (start, end, frequency)."""
    start, end, frequency = epochs
    subject = {"instance_name": "p", **({"args": args} if args else {})}
    policy = {
        "pruner": subject,
        "starting_epoch": start,
        "ending_epoch": end,
        "frequency": frequency,
    }
    return {"pruners": {"p": {"class": class_name, **fields}}, "policies": [policy]}


def first_masks(model: nn.Module, schedule: Any) -> dict[str, Tensor | None]:
    """Return the masks that a schedule computes at its first epoch."""
    scheduler = file_config(model, None, schedule)
    scheduler.on_epoch_begin(0)
    return scheduler.masks


def from_yaml(text: str) -> Any:
    """Return what a golden's YAML text holds."""
    return yaml.safe_load(text)


def run_epoch(scheduler: Any, epoch: int, *, minibatches: int = 1) -> None:
    """Go through an epoch's callbacks without training."""
    scheduler.on_epoch_begin(epoch)
    for i in range(minibatches):
        scheduler.on_minibatch_begin(epoch, i, minibatches)
        scheduler.before_backward_pass(epoch, i, minibatches, torch.tensor(0.0))
        scheduler.before_parameter_optimization(epoch, i, minibatches)
        scheduler.on_minibatch_end(epoch, i, minibatches)
    scheduler.on_epoch_end(epoch)
