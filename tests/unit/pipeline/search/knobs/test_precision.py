"""Layers compute in one precision, or some stay in float: by name, parts of decomposed ones too."""

from __future__ import annotations

import pytest

from vcc.compression.quantization.overrides import unmatched_patterns
from vcc.pipeline.search.knobs.precision import ALL_FLOAT, ALL_INT8, Precision
from vcc.pipeline.search.structure import CandidateBuilder

MIXED = Precision(True, ("conv1", "layer1.0.conv1"))


@pytest.mark.parametrize(
    ("layer", "int8"),
    [
        ("conv1", False),
        ("conv1.0", False),
        ("layer1.0.conv1.1", False),
        ("layer1.0.conv2", True),
        ("layer1.0.conv10", True),
        ("layer1x0.conv1", True),
        ("fc", True),
    ],
)
def test_float_layers_are_those_named_and_their_parts(layer: str, int8: bool) -> None:
    assert MIXED.is_int8(layer) is int8
    assert ALL_INT8.is_int8(layer)
    assert not ALL_FLOAT.is_int8(layer)
    assert not Precision(False, ("conv1",)).is_int8(layer)


def test_a_quantizer_is_told_the_same(builder: CandidateBuilder) -> None:
    (pattern,) = MIXED.overrides()["overrides"]
    model = builder.build(builder.space.smallest(int8=True)).model
    assert not unmatched_patterns(model, {pattern: {}})
    assert (ALL_INT8.overrides(), ALL_FLOAT.overrides()) == ({}, {})


def test_only_some_quantized_layers_are_mixed() -> None:
    assert MIXED.is_mixed
    assert not ALL_INT8.is_mixed
    assert not Precision(False, ("conv1",)).is_mixed
