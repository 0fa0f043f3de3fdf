"""Who teaches, and how much it counts."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.config.distillation import DistillationOptions
from vcc.errors import ConfigError


def test_nothing_given_is_the_schedule_s_business() -> None:
    options = DistillationOptions()
    assert not options.given()
    assert options.teacher() == options.weights() == {}


def test_a_teacher_s_options_are_named_as_in_a_schedule() -> None:
    options = DistillationOptions(t_model="resnet", t_model_depth=50, t_width_mult=0.5)
    assert options.given()
    assert options.teacher() == {"model": "resnet", "model_depth": 50, "width_mult": 0.5}
    assert options.weights() == {}


def test_a_weight_of_nothing_is_a_weight() -> None:
    options = DistillationOptions(kd_student_wt=0.0, kd_distill_wt=1.0, kd_temp=2.0)
    assert options.weights() == {"student_weight": 0.0, "distill_weight": 1.0, "temperature": 2.0}
    assert options.given()
    assert options.teacher() == {}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"t_model": "resnt"}, "^t_model: 'resnt' is not one of .*did you mean resnet"),
        ({"t_model": "torchvision:"}, "^t_model: "),
        ({"t_model_args": "{"}, "^t_model_args: .* is not JSON"),
        ({"t_model_args": "[1]"}, "^t_model_args: .* is no JSON object"),
        ({"kd_temp": 0.0}, "^kd_temp: 0.0"),
        ({"kd_distill_wt": -1.0}, "^kd_distill_wt: -1.0"),
        ({"t_n_classes": 1}, "^t_n_classes: 1"),
        ({"t_sample_size": 7}, "^t_sample_size: 7"),
    ],
)
def test_a_mistake_names_the_option_that_was_typed(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        DistillationOptions(**values)
    assert "\n" not in str(caught.value)
