"""3D DenseNet: what is appended, halved, and what its tensors were called before."""

from __future__ import annotations

import pytest
import torch
from shapes import shaped, shapes_of

from vcc.models import load_weights
from vcc.models.catalog import build_model
from vcc.models.networks.densenet import BLOCKS, DenseLayer, DenseNet, Halve


def test_blocks_append_and_transitions_halve() -> None:
    network = shaped("densenet")
    names = ("denseblock1", "transition1", "denseblock4")
    assert shapes_of(network, tuple(f"features.{name}" for name in names)) == [
        (64 + 6 * 32, 8, 28, 28),
        (128, 4, 14, 14),
        (1024, 1, 3, 3),
        (2, 7),
    ]


def test_a_layer_keeps_what_it_read_in_front() -> None:
    x = torch.randn(1, 6, 2, 3, 3)
    out = DenseLayer(6, 2).eval()(x.clone())
    assert out.shape[1] == 8
    assert torch.equal(out[:, :6], x)


@pytest.mark.parametrize(("depth", "layers"), [(121, 121), (169, 169), (201, 201), (264, 265)])
def test_a_depth_counts_convolutions_and_the_head(depth: int, layers: int) -> None:
    # The stem, two in a layer, one in a transition; the published 264 has one more than its name.
    assert 1 + 2 * sum(BLOCKS[depth]) + 3 + 1 == layers


def test_an_axis_of_one_position_is_not_halved() -> None:
    x = torch.arange(4.0).view(1, 1, 1, 2, 2)
    assert torch.equal(Halve()(x), torch.full((1, 1, 1, 1, 1), 1.5))
    assert Halve()(torch.zeros(1, 1, 5, 7, 2)).shape[2:] == (2, 3, 1)


@pytest.mark.parametrize(
    ("before", "today"),
    [
        ("features.conv0.weight", "features.conv1.weight"),
        ("features.norm0.running_mean", "features.norm1.running_mean"),
        (
            "features.denseblock2.denselayer11.norm.2.bias",
            "features.denseblock2.denselayer11.norm2.bias",
        ),
        ("features.transition1.conv.weight", "features.transition1.conv.weight"),
        ("features.norm5.weight", "features.norm5.weight"),
        ("classifier.weight", "classifier.weight"),
    ],
)
def test_tensors_of_the_first_release_are_found(before: str, today: str) -> None:
    assert DenseNet.name_today(before) == today
    assert DenseNet.name_today(today) == today


def test_a_file_of_the_first_release_is_loaded(tmp_path) -> None:  # type: ignore[no-untyped-def]
    network = build_model("densenet", n_classes=3, width_mult=1 / 16)
    given = {name: torch.full_like(tensor, 2) for name, tensor in network.state_dict().items()}
    before = {f"module.{_name_before(name)}": tensor for name, tensor in given.items()}
    torch.save({"state_dict": before}, tmp_path / "a.pth")

    load_weights(network, tmp_path / "a.pth")

    assert all(torch.equal(network.state_dict()[name], value) for name, value in given.items())


def _name_before(name: str) -> str:
    if "denselayer" in name:
        for part in ("norm1", "norm2", "conv1", "conv2"):
            name = name.replace(part, f"{part[:-1]}.{part[-1]}")
        return name
    return name.replace("features.conv1", "features.conv0").replace(
        "features.norm1", "features.norm0"
    )
