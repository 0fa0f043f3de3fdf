"""Bits of every module: which override fits which name."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from vcc.compression.quantization.overrides import (
    Bits,
    compile_pattern,
    resolve_bits,
    unmatched_patterns,
)

DEFAULTS = Bits(activations=8, weights=8, bias=32)


def model() -> nn.Module:
    return nn.Sequential(nn.Conv3d(1, 1, 1), nn.ReLU(), nn.Sequential(nn.Linear(1, 1)))


def test_only_layers_with_weights_get_bits_for_them() -> None:
    bits = resolve_bits(model(), DEFAULTS, None)
    assert bits["0"] == bits["2.0"] == DEFAULTS
    assert bits["1"] == bits["2"] == Bits(activations=8, weights=None, bias=None)


def test_a_pattern_matches_whole_names_and_the_first_that_fits_wins() -> None:
    overrides = {r"2\.\d": {"bits_weights": 4}, ".*": {"bits_weights": 2, "clip_acts": "AVG"}}
    bits = resolve_bits(model(), DEFAULTS, overrides)
    assert bits["2.0"].weights == 4
    assert (bits["0"].weights, bits["0"].extra) == (2, {"clip_acts": "AVG"})


def test_a_name_beats_the_patterns_before_it() -> None:
    bits = resolve_bits(model(), DEFAULTS, {".*": {"bits_weights": 2}, "0": {"bits_weights": None}})
    assert bits["0"].weights is None
    assert bits["2.0"].weights == 2


def test_data_parallel_s_prefix_is_no_part_of_a_name() -> None:
    wrapped = nn.ModuleDict({"module": model()})
    assert resolve_bits(wrapped, DEFAULTS, {"0": {"bits_weights": 4}})["module.0"].weights == 4
    assert unmatched_patterns(wrapped, {"0": {}, "3": {}}) == ["3"]


@pytest.mark.parametrize(
    ("key", "settings", "message"),
    [
        ("a", 4, "a: must be a mapping"),
        ("a", {"wts": 4}, "a.wts: is called bits_weights here"),
        ("a(", {}, "not a regular expression"),
        ("a{4294967296}", {}, "not a regular expression"),
    ],
)
def test_a_wrong_override_is_named(key: str, settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        compile_pattern(key, settings)
