"""Architecture as data: described, and given to another network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from vcc.errors import ModelError
from vcc.models.architecture import (
    Section,
    describe_layers,
    describe_sections,
    empty_parameters,
    rebuild_sections,
    register_section,
    resize_layers,
    set_buffer,
    unsaved_buffers,
)
from vcc.models.layers import ChannelPad, ChannelShuffle


def network(width: int = 4) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(3, width, 3, padding=1, bias=False),
        nn.BatchNorm3d(width),
        ChannelShuffle(width, 2),
        ChannelPad(width, 2 * width),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(2 * width, 5),
    )


def on_meta(width: int = 4) -> nn.Sequential:
    with torch.device("meta"):
        return network(width)


def test_layers_say_what_thinning_can_change() -> None:
    found = describe_layers(network())
    assert found["0"]["in_channels"] == 3
    assert (found["0"]["out_channels"], found["0"]["bias"]) == (4, False)
    assert found["1"] == {"num_features": 4}
    assert found["2"] == {"n_out": 4, "groups": 2, "order": None}
    assert found["3"] == {"n_in": 4, "n_out": 8}
    assert found["6"] == {"in_features": 8, "out_features": 5, "bias": True}
    assert set(found) == {"0", "1", "2", "3", "6"}


def test_a_network_becomes_the_one_that_was_described() -> None:
    thinned = network(6)
    model = on_meta(4)
    resize_layers(model, describe_layers(thinned))
    assert describe_layers(model) == describe_layers(thinned)
    state = model.load_state_dict(thinned.state_dict(), strict=True, assign=True)
    assert not state.missing_keys
    clip = torch.randn(1, 3, 2, 4, 4)
    assert torch.equal(model.eval()(clip), thinned.eval()(clip))


def test_a_folded_batchnorm_is_an_identity_and_its_convolution_has_a_bias() -> None:
    layers = describe_layers(network())
    layers["1"] = {"identity": True}
    layers["0"]["bias"] = True
    model = on_meta()
    resize_layers(model, layers)
    assert isinstance(model[1], nn.Identity)
    assert model[0].bias.shape == (4,)
    layers["0"]["bias"] = False
    resize_layers(model, layers)
    assert model[0].bias is None


def changed(layer: str, **values: Any) -> dict[str, dict[str, Any]]:
    layers = describe_layers(network())
    layers[layer] = {**layers[layer], **values}
    return layers


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (changed("0", out_channels=0), "layer '0': out_channels 0 is not a whole number of at lea"),
        (changed("0", out_channels=True), "out_channels True is not a whole number"),
        (changed("1", num_features="4"), "num_features '4' is not"),
        (changed("1", eps=1.0), r"layer '1': the architecture has \['eps', 'num_features'\], need"),
        (changed("2", order=[0, 0, 1, 2]), "the order does not name each of 4 channels once"),
        (changed("2", order=[0.0, 1, 2, 3]), "the order does not name each"),
        (changed("2", n_out=5), "the order does not name each of 5 channels"),
        ({**changed("1"), "nine": {"num_features": 4}}, "layer 'nine' is not in the network"),
        (
            {name: each for name, each in changed("1").items() if name != "6"},
            "layer '6' is not in the architecture",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(layers: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        resize_layers(on_meta(), layers)
    assert "\n" not in str(caught.value)


def test_a_section_s_name_is_taken_once() -> None:
    def describe(_: nn.Module) -> None:
        return None

    def rebuild(_: nn.Module, __: Mapping[str, Any]) -> None:
        return None

    with pytest.raises(ValueError, match="'quantizers' is registered already"):
        register_section(Section("quantizers", describe, rebuild))


def test_sections_are_described_and_rebuilt_in_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vcc.models.architecture._SECTIONS", {})
    done: list[tuple[str, object]] = []

    def section(name: str, data: Mapping[str, Any] | None, *, early: bool) -> Section:
        def rebuild(_: nn.Module, given: Mapping[str, Any]) -> None:
            done.append((name, given))

        return Section(name, lambda _: data, rebuild, before_layers=early)

    register_section(section("late", {"a": 1}, early=False))
    register_section(section("early", {"b": 2}, early=True))
    register_section(section("silent", None, early=False))
    found = describe_sections(network())
    assert found == {"early": {"b": 2}, "late": {"a": 1}}
    rebuild_sections(network(), found, before_layers=True)
    rebuild_sections(network(), found)
    assert done == [("early", {"b": 2}), ("late", {"a": 1})]


def test_an_unknown_section_is_refused() -> None:
    with pytest.raises(ModelError, match="section 'quantizer' of the architecture is unknown: did"):
        rebuild_sections(network(), {"quantizer": {}})


def test_a_section_s_home_is_imported_when_a_file_needs_it() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    plan = {"layers": {"0": {"weight": {"kind": "range", "bits": 8}}}}
    rebuild_sections(model, {"quantizers": plan})
    assert describe_sections(model)["quantizers"]["layers"]["0"]["weight"]["bits"] == 8


def test_buffers_that_no_state_dict_has_can_be_set() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2))
    model[0].register_buffer("mean", torch.zeros(3), persistent=False)
    assert list(unsaved_buffers(model)) == ["0.mean"]
    set_buffer(model, "0.mean", torch.ones(3))
    assert model[0].mean.tolist() == [1.0, 1.0, 1.0]
    # Its layer was folded away, or never had one.
    set_buffer(model, "7.mean", torch.ones(3))
    set_buffer(model, "0.other", torch.ones(3))
    assert "other" not in model[0]._buffers


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv3d(4, 6, (1, 2, 3), groups=2), (6, 2, 1, 2, 3)),
        (nn.Conv2d(3, 5, 2), (5, 3, 2, 2)),
        (nn.ConvTranspose2d(4, 6, 3, groups=2), (4, 3, 3, 3)),
        (nn.Linear(3, 7), (7, 3)),
        (nn.BatchNorm3d(4), (4,)),
    ],
)
def test_shapes_follow_from_the_attributes(layer: nn.Module, shape: tuple[int, ...]) -> None:
    shapes = empty_parameters(layer)
    assert shapes["weight"] == shape
    assert shapes["bias"] == tuple(layer.get_parameter("bias").shape)
    assert empty_parameters(nn.ReLU()) == {}
