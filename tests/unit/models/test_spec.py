"""The record of how a network was asked for."""

from __future__ import annotations

import json

import pytest

from vcc.errors import ModelError
from vcc.models.spec import ModelSpec, arch_name


def test_a_spec_is_plain_data() -> None:
    spec = ModelSpec(family="resnet", n_classes=5, options={"model_depth": 18})
    assert spec.clip_shape == (3, 16, 112, 112)
    assert ModelSpec(**json.loads(json.dumps(spec.as_dict()))) == spec


def test_what_is_given_out_is_a_copy() -> None:
    spec = ModelSpec(family="resnet", n_classes=5, options={"model_depth": 18})
    spec.as_dict()["options"]["model_depth"] = 50
    assert spec.options == {"model_depth": 18}


@pytest.mark.parametrize("name", ["n_classes", "sample_size", "sample_duration"])
@pytest.mark.parametrize("value", [0, -1, True, 1.0, "5", None])
def test_sizes_are_whole_numbers(name: str, value: object) -> None:
    with pytest.raises(ModelError) as caught:
        ModelSpec(**{"family": "resnet", "n_classes": 5, name: value})
    assert str(caught.value) == f"{name}: {value!r} is not a whole number of at least 1"


def test_a_name_spells_the_options_out_and_nothing_of_the_clip() -> None:
    options = {"model_depth": 18, "resnet_shortcut": "A", "width_mult": 0.5}
    spec = ModelSpec(family="resnet", n_classes=5, sample_size=64, options=options)
    assert arch_name(spec) == "resnet18a-0.5"


def test_a_family_that_nobody_registered_has_no_name() -> None:
    with pytest.raises(ModelError, match="resnt"):
        arch_name(ModelSpec(family="resnt", n_classes=5))
