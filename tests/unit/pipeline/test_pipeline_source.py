"""Which registered architecture an entry point's options mean."""

from __future__ import annotations

import pytest

from vcc.config.tracking import SourceOptions
from vcc.pipeline.source import _matches


@pytest.mark.parametrize(
    ("arch", "options", "expected"),
    [
        ("resnet18a", {"model": "resnet"}, True),
        ("resnet18a", {"model": "resnet", "model_depth": 18}, True),
        ("resnet18a", {"model": "resnet", "model_depth": 1}, False),
        ("resnet18a", {"model": "resnet", "resnet_shortcut": "A"}, True),
        ("resnet18a", {"model": "resnet", "resnet_shortcut": "B"}, False),
        ("resnet10b-0.25", {"model": "resnet", "model_depth": 10, "resnet_shortcut": "B"}, True),
        ("resnet10b-0.25", {"model": "resnet", "width_mult": 0.25}, True),
        ("resnet10b", {"model": "resnet", "width_mult": 1.0}, True),
        ("resnet10b", {"model": "resnet", "width_mult": 0.5}, False),
        ("mobilenetv2-0.5", {"model": "mobilenetv2", "width_mult": 0.5}, True),
        ("mobilenetv2-1.0", {"model": "mobilenetv2", "width_mult": 0.5}, False),
        ("csn50ip", {"model": "csn", "model_type": "ip"}, True),
        ("csn50ir", {"model": "csn", "model_type": "ip"}, False),
        ("csn50ir", {"model": "resnet"}, False),
        ("resnext50b", {"model": "resnet"}, False),
        ("resnext50b", {"model": "resnext", "resnext_cardinality": 32}, True),
        ("resnext50b-c16-0.5", {"model": "resnext", "width_mult": 0.5}, True),
        ("resnext50b-c16-0.5", {"model": "resnext", "resnext_cardinality": 32}, False),
        ("shufflenet-g3-1.0", {"model": "shufflenet", "groups": 3, "width_mult": 1.0}, True),
        ("shufflenet-g3-1.0", {"model": "shufflenet", "groups": 8}, False),
        ("shufflenetv2-1.0", {"model": "shufflenet"}, False),
        ("squeezenet-v1.1", {"model": "squeezenet", "version": 1.1}, True),
        ("squeezenet-v1.0-0.5", {"model": "squeezenet", "version": 1.1}, False),
        ("mobilenetv2-1.0", {"model": "mobilenet"}, False),
        ("mobilenet-1.0", {"model": "mobilenet"}, True),
        ("c3d-0.5", {"model": "c3d", "width_mult": 0.5}, True),
    ],
)
def test_options_select_by_the_registry_s_spelling(
    arch: str, options: dict[str, object], expected: bool
) -> None:
    assert _matches(arch, SourceOptions(**options)) is expected
