"""Options of builders are checked where they are read."""

from __future__ import annotations

import pytest

from vcc.config.distillation import DistillationOptions
from vcc.config.entrypoints import CompressEntry
from vcc.config.model import ModelOptions
from vcc.config.networks.arguments import BuilderOptions
from vcc.errors import ConfigError

MODEL = "python:a.nets:make"


def test_arguments_are_a_json_object() -> None:
    assert BuilderOptions(model_args='{"depth": 18}').arguments() == {"depth": 18}
    assert BuilderOptions().arguments() == {}


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "depth=18", "1", '{"depth": 18, "depth": 34}', '{"depth": NaN}', "[" * 9000],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="model_args: .*: write"):
        BuilderOptions(model_args=text)
    with pytest.raises(ConfigError, match="t_model_args: "):
        DistillationOptions(t_model_args=text)


def test_what_build_model_is_given() -> None:
    options = ModelOptions(model=MODEL, model_args='{"depth": 18}', head="fc")

    wanted = {"model_args": {"depth": 18}, "classes_arg": None, "head": "fc"}
    assert options.build_options() == wanted
    assert CompressEntry(model=MODEL, model_args="{}").arguments() == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "resnest"}, "did you mean resnet or resnext"),
        ({"model": "torchvision:r4d"}, "model: torchvision has no video network 'r4d'"),
        ({"model": "python:a"}, "model: 'python:a' is neither"),
        ({"model": "resnet", "head": "fc"}, "head: is for model=torchvision:NAME"),
    ],
)
def test_models_that_do_not_exist(options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ModelOptions(**options)  # type: ignore[arg-type]
