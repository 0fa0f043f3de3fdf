"""The parts of a quantization plan: the JSON that files hold, and what is refused in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vcc.errors import ModelError
from vcc.models.quantized.plan_parts import (
    ActivationPlan,
    ClipPlan,
    LayerPlan,
    QuantizationPlan,
    WeightPlan,
)

# as checkpoints have it: of a range-linear quantizer, and of a clipped one
LINEAR: dict[str, Any] = {
    "target": "tensorrt",
    "overflow": "fast",
    "layers": {
        "conv1": {
            "weight": {"kind": "range", "bits": 8, "mode": "SYMMETRIC", "per_channel": True},
            "bias": {"kind": "range", "bits": 16, "mode": "SYMMETRIC", "per_channel": False},
            "input": {"bits": 8, "mode": "ASYMMETRIC_UNSIGNED"},
            "output": {"bits": 4, "mode": "SYMMETRIC_RESTRICTED", "decay": 0.99},
        },
        "fc": {
            "weight": {
                "kind": "range",
                "bits": 4,
                "mode": "SYMMETRIC",
                "per_channel": False,
                "limit": 0.5,
            }
        },
    },
    "entries": {"layer1.0": {"bits": 8, "mode": "SYMMETRIC"}},
    "activations": {},
}
CLIPPED: dict[str, Any] = {
    "target": "cpu",
    "overflow": "safe",
    "layers": {"conv1": {"weight": {"kind": "dorefa", "bits": 4, "overflow": "safe"}}},
    "entries": {},
    "activations": {"relu": {"bits": 4, "alpha": 8.0, "learned": True}},
}


@pytest.mark.parametrize("data", [LINEAR, CLIPPED])
def test_files_are_read_and_written_alike(data: dict[str, Any]) -> None:
    plan = QuantizationPlan.from_json(json.loads(json.dumps(data)))
    assert plan.to_json() == data
    assert QuantizationPlan.from_json(plan.to_json()) == plan


def test_parts_are_what_the_file_says() -> None:
    plan = QuantizationPlan.from_json(LINEAR)
    conv = plan.layers["conv1"]
    assert conv.weight == WeightPlan(kind="range", bits=8, per_channel=True)
    assert conv.output == ActivationPlan(bits=4, mode="SYMMETRIC_RESTRICTED", decay=0.99)
    assert list(conv.parts) == ["weight", "bias", "input", "output"]
    assert list(plan.layers["fc"].parts) == ["weight"]
    assert LayerPlan().parts == {}
    assert QuantizationPlan.from_json(CLIPPED).activations == {
        "relu": ClipPlan(bits=4, alpha=8.0, learned=True)
    }


def test_a_file_of_before_says_nothing_of_overflow() -> None:
    assert QuantizationPlan.from_json({"layers": {}}) == QuantizationPlan(
        target="cpu", overflow="fast"
    )


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("layers", "conv1", "weight", "bits"), 0, r"layers\.conv1\.weight\.bits: 0: a whole"),
        (("layers", "conv1", "weight", "bits"), True, "bits: True: a whole number"),
        (("layers", "conv1", "weight", "kind"), "best", "kind: 'best': range, dorefa or wrpn"),
        (("layers", "conv1", "weight", "per_channel"), 1, "per_channel: 1: true or false"),
        (("layers", "conv1", "weight", "limit"), "far", "limit: 'far': a number"),
        (("layers", "conv1", "input", "mode"), ["SYMMETRIC"], r"mode: \['SYMMETRIC'\]: SYMMETRIC,"),
        (("layers", "conv1", "input", "bitz"), 8, r"conv1\.input\.bitz: is unknown: .*bits"),
        (("layers", "conv1", "inputs"), {}, r"conv1\.inputs: is unknown: .*input"),
        (("layers", "conv1"), 8, r"quantizers\.layers\.conv1: 8 is no mapping"),
        (("layers",), [], r"quantizers\.layers: \[\]: a mapping"),
        (("target",), "gpu", r"quantizers\.target: 'gpu': cpu or tensorrt"),
        (("overflow",), "never", r"quantizers\.overflow: 'never': safe or fast"),
        (("activations", "relu"), {"bits": 4, "learned": True}, "alpha: None: a number"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    path: tuple[str, ...], value: object, message: str
) -> None:
    data = json.loads(json.dumps(LINEAR))
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(ModelError, match=message):
        QuantizationPlan.from_json(data)


def test_a_weight_says_its_kind() -> None:
    with pytest.raises(ModelError, match=r"conv1\.weight\.kind: None: range, dorefa or wrpn"):
        WeightPlan.from_json({"bits": 8}, "conv1.weight")
