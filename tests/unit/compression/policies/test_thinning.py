"""The thinning policy: what is masked leaves the network, its masks and the optimizer's state."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from torch import nn
from toy_training import Training, batch_of, pruned_by, tiny_net

from vcc.compression import file_config
from vcc.compression.policies.thinning import ThinningPolicy
from vcc.errors import ScheduleError

EXAMPLE = torch.zeros(2, 2, 3, 5, 5)


def schedule(*, group: str = "Filters", weight: str = "conv1.weight", **thinner: Any) -> Any:
    pruner = {
        "class": "L1RankedStructureParameterPruner",
        "group_type": group,
        "desired_sparsity": 0.5,
        "weights": [weight],
    }
    made = pruned_by(pruner, epochs=[0])
    made["extensions"] = {"thinner": {"class": "FilterRemover", **thinner}}
    made["policies"].append({"extension": {"instance_name": "thinner"}, "epochs": [1]})
    return made


def test_masked_filters_leave_before_the_epoch_s_first_minibatch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = Training(schedule(), options={"mask_coupled": True, "example_input": EXAMPLE})
    done.run(1)
    assert done.model.conv1.out_channels == 4
    with caplog.at_level(logging.INFO):
        done.run(2, begin=(1, 0))
    assert "thinner removed 2 channels" in caplog.text
    assert done.model.conv1.weight.shape == (2, 2, 3, 3, 3)
    assert done.model.conv2.weight.shape == (6, 2, 3, 3, 3)
    assert done.scheduler.masks["conv1.weight"] is None or (
        done.scheduler.masks["conv1.weight"].shape == done.model.conv1.weight.shape
    )
    momenta = done.optimizer.state[done.model.conv1.weight]["momentum_buffer"]
    assert momenta.shape == done.model.conv1.weight.shape


def test_with_coupled_masks_nothing_changes_but_the_shapes() -> None:
    model = tiny_net().eval()
    scheduler = file_config(model, None, schedule(), mask_coupled=True, example_input=EXAMPLE)
    scheduler.on_epoch_begin(0)
    clips = batch_of(0, 0)[0]
    scheduler.on_minibatch_begin(0, 0, 1)
    before = model(clips)
    scheduler.before_backward_pass(0, 0, 1, before.sum())
    scheduler.before_parameter_optimization(0, 0, 1)
    scheduler.on_minibatch_end(0, 0, 1)
    scheduler.on_epoch_end(0)
    scheduler.on_epoch_begin(1)
    scheduler.on_minibatch_begin(1, 0, 1)
    assert model.conv1.out_channels == 2
    torch.testing.assert_close(model(clips), before)


@pytest.mark.parametrize(("function", "left"), [("remove_filters", 4), ("remove_channels", 2)])
def test_filters_that_nothing_reads_leave_where_asked(function: str, left: int) -> None:
    given = schedule(group="Channels", weight="conv2.weight", thinning_func_str=function)
    done = Training(given, options={"mask_coupled": True, "example_input": EXAMPLE})
    done.run(2)
    assert done.model.conv1.out_channels == left


def test_widths_stay_multiples_where_asked() -> None:
    options = {"mask_coupled": True, "example_input": EXAMPLE, "round_to": 3}
    done = Training(schedule(weight="conv2.weight"), options=options)
    done.run(2)
    assert done.model.conv2.out_channels == 3
    done = Training(schedule(), options=options | {"round_to": 4})
    done.run(2)
    assert done.model.conv1.out_channels == 4


def test_it_needs_to_trace_and_knows_its_functions() -> None:
    with pytest.raises(ScheduleError, match="extension thinner needs to trace the network"):
        file_config(tiny_net(), None, schedule())
    with pytest.raises(ScheduleError, match="thinning_func_str.*remove_filters"):
        file_config(tiny_net(), None, schedule(thinning_func_str="remove_filter"))


def test_it_acts_between_epochs() -> None:
    scheduler = file_config(tiny_net(), None, schedule(), example_input=EXAMPLE)
    (policy,) = (each for each in scheduler.policies if isinstance(each, ThinningPolicy))
    assert policy.structural
    assert policy.reports == []
    assert isinstance(policy.example_input, torch.Tensor)
    assert not isinstance(policy, nn.Module)
