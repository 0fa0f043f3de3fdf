"""Kernels as data: what is written of them, what is taken back, and what is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from models_tiny import tiny_clip, tiny_network
from torch import nn

from vcc.errors import ModelError
from vcc.models import load_checkpoint, save_checkpoint
from vcc.models.kernels import describe_kernel, padding_sides, set_kernel, shrink_kernel, triple


def test_an_uncut_kernel_is_described_as_it_is() -> None:
    conv = nn.Conv3d(3, 4, (3, 7, 7), padding=(1, 3, 3))

    described = describe_kernel(conv)

    assert described == {"kernel_size": [3, 7, 7], "padding": [[1, 1], [3, 3], [3, 3]]}
    assert json.loads(json.dumps(described)) == described


def test_one_end_off_pads_one_side_less() -> None:
    conv = nn.Conv3d(3, 4, 3, padding=1)
    shrink_kernel(conv, 1, 3)

    assert padding_sides(conv) == [(0, 1), (1, 1), (1, 1)]
    assert conv.kernel_size == (2, 3, 3)
    other = nn.Conv3d(3, 4, 3, padding=1)
    set_kernel(other, **as_arguments(describe_kernel(conv)))
    assert padding_sides(other) == padding_sides(conv)
    assert copy.deepcopy(other).padding_mode == "constant"


def test_cut_twice_is_cut_once() -> None:
    twice, once = nn.Conv3d(3, 4, 7, padding=3), nn.Conv3d(3, 4, 7, padding=3)
    shrink_kernel(twice, 1, 6)
    shrink_kernel(twice, 0, 3)
    shrink_kernel(once, 1, 4)

    assert describe_kernel(twice) == describe_kernel(once)


def as_arguments(described: dict[str, Any]) -> dict[str, Any]:
    return {"size": described["kernel_size"], "sides": described["padding"]}


def test_words_for_padding_are_left_alone() -> None:
    assert describe_kernel(nn.Conv3d(3, 4, 3, padding="same")) == {}
    assert describe_kernel(nn.Conv3d(3, 4, 3, padding=1, padding_mode="reflect")) == {}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "net", tiny_network("resnet10a"), {})


def edited(folder: Path, **changes: Any) -> Path:
    """Return the checkpoint with other entries for its first convolution; None removes one."""
    path = folder / "arch.json"
    arch = json.loads(path.read_text())
    layer = arch["layers"]["conv1"] | changes
    arch["layers"]["conv1"] = {key: value for key, value in layer.items() if value is not None}
    path.write_text(json.dumps(arch))
    return folder


def test_a_checkpoint_from_before_kernels_were_data_loads(folder: Path) -> None:
    clip = tiny_clip()
    expected = load_checkpoint(folder).model(clip)
    path = folder / "arch.json"
    arch = json.loads(path.read_text())
    for layer in arch["layers"].values():
        layer.pop("kernel_size", None)
        layer.pop("padding", None)
    path.write_text(json.dumps(arch))

    assert torch.equal(load_checkpoint(folder).model(clip), expected)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kernel_size": [8, 7, 7]}, "kernel_size"),
        ({"kernel_size": [0, 7, 7]}, "kernel_size"),
        ({"kernel_size": [7, 7]}, "kernel_size"),
        ({"kernel_size": 7}, "kernel_size"),
        ({"kernel_size": [True, 7, 7]}, "kernel_size"),
        ({"padding": [[3, 3], [3, 3]]}, "pairs of whole numbers"),
        ({"padding": [3, 3, 3]}, "pairs of whole numbers"),
        ({"padding": [[3, 10**9], [3, 3], [3, 3]]}, "pairs of whole numbers"),
        ({"padding": [[3, 0.5], [3, 3], [3, 3]]}, "pairs of whole numbers"),
        ({"padding": None}, "needed are"),
        ({"kernel_size": [5, 7, 7]}, "conv1"),
    ],
)
def test_an_impossible_kernel_is_one_line_of_error(
    folder: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        load_checkpoint(edited(folder, **changes))


def test_a_figure_of_each_dimension() -> None:
    assert triple(torch.Size([1, 2, 3])) == (1, 2, 3)
    with pytest.raises(ValueError, match="unpack"):
        triple([1, 2])
