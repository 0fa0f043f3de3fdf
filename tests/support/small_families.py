"""The options of a small network of every family; whoever builds it chooses a width beside them."""

from __future__ import annotations

from typing import Any

SMALL_FAMILIES: dict[str, dict[str, Any]] = {
    "resnet": {"model_depth": 10},
    "mobilenetv2": {},
    "csn": {"model_depth": 26},
    "resnext": {"model_depth": 50, "resnext_cardinality": 4},
    "mobilenet": {},
    "c3d": {},
    "squeezenet": {},
    "shufflenet": {"groups": 3},
    "shufflenetv2": {},
    "resnet2p1d": {"model_depth": 10},
    "pre_act_resnet": {"model_depth": 10},
    "wide_resnet": {"wide_resnet_stem": "plain"},
    "densenet": {},
    "x3d": {},
    "slow": {},
}
