"""A schedule and a network become a scheduler, or one error with every problem in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_training import pruned_by, sgd, tiny_net

from vcc.compression import file_config, load_schedule
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.errors import ScheduleError

EXAMPLE = torch.zeros(2, 2, 3, 5, 5)
PRUNER = {
    "class": "L1RankedStructureParameterPruner",
    "group_type": "Filters",
    "desired_sparsity": 0.5,
    "weights": ["conv1.weight"],
}
YAML = """
version: 1
pruners:
  it:
    class: L1RankedStructureParameterPruner
    group_type: Filters
    desired_sparsity: 0.5
    weights: [conv1.weight, cnv2.weight]
extensions:
  thinner: {class: FilterRemover}
policies:
  - {pruner: {instance_name: it}, epochs: [0]}
  - {extension: {instance_name: thinner}, epochs: [1]}
"""


def masked_filters(scheduler: Any, name: str) -> int:
    mask = scheduler.masks[name]
    return 0 if mask is None else int((~mask.flatten(1).any(dim=1)).sum())


def test_mappings_files_and_loaded_schedules_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "schedule.yaml").write_text(YAML.replace("cnv2", "conv2"))
    for given in (tmp_path / "schedule.yaml", load_schedule(tmp_path / "schedule.yaml")):
        scheduler = file_config(tiny_net(), None, given, example_input=EXAMPLE)
        scheduler.on_epoch_begin(0)
        assert masked_filters(scheduler, "conv2.weight") == 3


def test_every_problem_is_in_one_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "schedule.yaml").write_text(YAML)
    with pytest.raises(ScheduleError, match="1 problem.*line 8, pruners.it.weights: .*cnv2"):
        file_config(tiny_net(), None, tmp_path / "schedule.yaml", example_input=EXAMPLE)
    with pytest.raises(ScheduleError, match="FilterRemover|thinner needs to trace the network"):
        file_config(tiny_net(), None, load_schedule(pruned_by(PRUNER) | _thinner()))


def _thinner() -> dict[str, Any]:
    policy = {"extension": {"instance_name": "thinner"}, "epochs": [1]}
    return {
        "extensions": {"thinner": {"class": "FilterRemover"}},
        "policies": [*pruned_by(PRUNER)["policies"], policy],
    }


def test_what_belongs_to_a_filter_is_masked_with_it_where_asked() -> None:
    for mask_coupled, silent in ((True, 2), (False, 0)):
        scheduler = file_config(
            tiny_net(), None, pruned_by(PRUNER), mask_coupled=mask_coupled, example_input=EXAMPLE
        )
        scheduler.on_epoch_begin(0)
        scheduler.on_minibatch_begin(0, 0, 1)
        assert masked_filters(scheduler, "conv1.weight") == 2
        assert int((scheduler.model.bn1.weight == 0).sum()) == silent
    with pytest.raises(ScheduleError, match="mask_coupled needs to trace the network"):
        file_config(tiny_net(), None, pruned_by(PRUNER), mask_coupled=True)


def test_an_optimizer_may_come_later() -> None:
    model = tiny_net()
    schedule = {
        "lr_schedulers": {"lr": {"class": "StepLR", "step_size": 1, "gamma": 0.1}},
        "policies": [{"lr_scheduler": {"instance_name": "lr"}, "epochs": [0, 1]}],
    }
    scheduler = file_config(model, None, schedule)
    assert scheduler.optimizer is None
    optimizer = sgd(model.parameters())
    scheduler.attach(optimizer)
    assert scheduler.optimizer is optimizer
    assert file_config(model, optimizer, schedule).optimizer is optimizer


def test_channels_that_were_traced_before_are_not_traced_again() -> None:
    model = tiny_net()
    channels = TracedChannels.of(model, EXAMPLE)
    scheduler = file_config(
        model, None, pruned_by(PRUNER), mask_coupled=True, example_input=EXAMPLE, channels=channels
    )
    assert scheduler.channels is channels


class Teacher(nn.Module):
    """Answers zeros."""

    def forward(self, clips: Tensor) -> Tensor:
        return torch.zeros(len(clips), 3)


def test_a_teacher_is_a_network_or_what_finds_one() -> None:
    def schedule(**more: Any) -> dict[str, Any]:
        return {
            "distillers": {"kd": {"class": "KnowledgeDistillation", **more}},
            "policies": [{"distiller": {"instance_name": "kd"}, "epochs": [0]}],
        }

    asked: list[Any] = []

    def find(named: Any) -> nn.Module:
        asked.append(named)
        return Teacher()

    file_config(tiny_net(), None, schedule(teacher="mine"), teacher=find)
    assert asked == ["mine"]
    with pytest.raises(ScheduleError, match="the caller gave its own teacher"):
        file_config(tiny_net(), None, schedule(teacher="mine"), teacher=Teacher())
