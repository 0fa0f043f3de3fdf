"""What is decomposed, and the reasons of what is left alone."""

from __future__ import annotations

import pytest
from decomposition_toys import toy_network, weights_of
from torch import nn

from vcc.compression.decomposition.eligible import eligible_layers, foresee_
from vcc.models.decomposed import Decomposed


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("spatial_temporal", {"stem", "cube"}),
        ("tucker2", {"stem", "cube"}),
        ("low_rank", {"stem", "cube", "point", "hidden", "fc"}),
    ],
)
def test_each_form_has_its_layers(form, names):
    model = toy_network()
    fit, left = eligible_layers(model, weights_of(model), form)

    assert set(fit) == names
    assert "grouped (2 groups)" in left["grouped"]
    assert "depthwise" in left["depthwise"]
    assert "norm" not in left


def test_the_classifier_stays_where_a_network_names_it():
    model = toy_network()
    model.head_name = "fc"
    fit, left = eligible_layers(model, ["hidden.weight", "fc.weight"], "low_rank")
    assert set(fit) == {"hidden"}
    assert "classifier" in left["fc"]


def test_a_shared_weight_stays():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    _, left = eligible_layers(model, ["0.weight"], "low_rank")
    assert "another layer's" in left["0"]


class _Scaled(nn.Conv3d):
    def forward(self, clip):
        return 2 * super().forward(clip)


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (nn.Conv2d(3, 3, 3), "Conv2d is no plain"),
        (nn.ConvTranspose3d(3, 3, 3), "ConvTranspose3d is no plain"),
        (_Scaled(3, 3, 3), "_Scaled is no plain"),
        (nn.Conv3d(3, 3, 3, padding="same"), "no fixed number of zeros"),
        (nn.Conv3d(3, 3, 3, padding=1, padding_mode="circular"), "circular"),
        (nn.Conv3d(3, 3, (3, 1, 1)), "3x1x1 does not reach"),
        (nn.Conv3d(3, 3, (1, 3, 3)), "1x3x3 does not reach"),
        (nn.Embedding(3, 3), "Embedding is no layer's weight"),
    ],
)
def test_other_layers_stay_with_a_reason(layer, why):
    fit, left = eligible_layers(nn.Sequential(layer), ["0.weight"], "spatial_temporal")
    assert not fit
    assert why in left["0"]


def test_names_are_known_before():
    model = toy_network()
    foresee_(model, weights_of(model), "tucker2")
    assert {n for n, m in model.named_modules() if isinstance(m, Decomposed)} == {"stem", "cube"}
    assert "stem.2.weight" in dict(model.named_parameters())
