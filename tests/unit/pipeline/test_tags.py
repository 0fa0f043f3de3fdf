"""Which registered network an entry point's options mean, by the tags that hold its own."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.config.model import ModelOptions
from vcc.config.tracking import SourceOptions
from vcc.models.spec import ModelSpec, arch_name
from vcc.pipeline.tags import allowed_by, metric_tags, model_tags

# What each registry name stands for; the rest is as the options' defaults.
MADE: dict[str, dict[str, Any]] = {
    "resnet18a": {"model": "resnet", "resnet_shortcut": "A"},
    "resnet10b-0.25": {"model": "resnet", "model_depth": 10, "width_mult": 0.25},
    "resnet10b": {"model": "resnet", "model_depth": 10},
    "mobilenetv2-0.5": {"model": "mobilenetv2", "width_mult": 0.5},
    "mobilenetv2-1.0": {"model": "mobilenetv2"},
    "csn50ip": {"model": "csn", "model_depth": 50},
    "csn50ir": {"model": "csn", "model_depth": 50, "model_type": "ir"},
    "resnext50b": {"model": "resnext", "model_depth": 50},
    "resnext50b-c16-0.5": {
        "model": "resnext", "model_depth": 50, "resnext_cardinality": 16, "width_mult": 0.5,
    },
    "shufflenet-g3-1.0": {"model": "shufflenet"},
    "shufflenetv2-1.0": {"model": "shufflenetv2"},
    "squeezenet-v1.1": {"model": "squeezenet"},
    "squeezenet-v1.0-0.5": {"model": "squeezenet", "version": 1.0, "width_mult": 0.5},
    "mobilenet-1.0": {"model": "mobilenet"},
    "c3d-0.5": {"model": "c3d", "width_mult": 0.5},
}  # fmt: skip


def spec_of(arch: str) -> ModelSpec:
    options = ModelOptions(**MADE[arch])
    return ModelSpec(family=options.model, n_classes=2, options=options.build_options())


@pytest.mark.parametrize("arch", MADE)
def test_the_names_are_those_of_the_registry(arch: str) -> None:
    assert arch_name(spec_of(arch)) == arch


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
def test_options_select_by_the_network_s_own(
    arch: str, options: dict[str, Any], expected: bool
) -> None:
    assert allowed_by(SourceOptions(**options), model_tags(spec_of(arch))) is expected


def test_a_width_is_the_same_however_it_is_written() -> None:
    spec = ModelSpec(family="resnet", n_classes=2, options={"width_mult": 1})
    assert allowed_by(SourceOptions(width_mult=1.0), model_tags(spec))
    assert model_tags(spec) == {"model": "resnet", "option.width_mult": "1"}


def test_an_option_that_the_family_lacks_matches_nothing() -> None:
    tags = model_tags(spec_of("mobilenetv2-1.0"))
    assert not allowed_by(SourceOptions(model="mobilenetv2", model_depth=18), tags)


def test_figures_are_short() -> None:
    assert metric_tags({"params": 1200.0, "top1": 0.123456789}) == {
        "params": "1200",
        "top1": "0.123457",
    }
