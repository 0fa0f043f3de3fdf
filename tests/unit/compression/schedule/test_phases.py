"""Phases: where the seams are, and a ramp, thinning and fine-tuning run through them."""

from __future__ import annotations

import pytest
import torch
from torch.optim import Optimizer

from vcc.compression import (
    Phase,
    compile_phases,
    default_schedule,
    file_config,
    last_epoch,
    load_schedule,
    run_phases,
    total_sparsity,
)
from vcc.compression.schedule.phases import first_settled_epoch
from vcc.compression.schedule.schedule import Schedule
from vcc.errors import NotAvailableError, ScheduleError
from vcc.models import build_model

SHIPPED = default_schedule("resnet", "ep")


def test_seams_stand_where_the_structure_changes() -> None:
    schedule = load_schedule(SHIPPED)
    assert last_epoch(schedule) == 8
    assert compile_phases(schedule, 8) == (Phase(0, 5), Phase(5, 8, ("thinner",)))
    assert compile_phases(schedule, 5)[-1] == Phase(5, 5, ("thinner",))
    with pytest.raises(ScheduleError, match="thinner acts at epoch 5"):
        compile_phases(schedule, 4)


def test_what_is_not_shipped_is_said() -> None:
    with pytest.raises(NotAvailableError, match="schedule=FILE"):
        default_schedule("i3d", "ptq,qat")


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_thinning_between_phases_changes_nothing_but_shapes(shortcut: str) -> None:
    torch.manual_seed(0)
    model = build_model(
        "resnet",
        n_classes=3,
        sample_size=32,
        sample_duration=4,
        model_depth=10,
        resnet_shortcut=shortcut,
        width_mult=0.25,
    )
    clips, labels = torch.randn(4, 3, 4, 32, 32), torch.tensor([0, 1, 2, 0])
    parameters = sum(p.numel() for p in model.parameters())
    scheduler = file_config(model, None, SHIPPED, mask_coupled=True, example_input=clips)
    seen: dict[str, torch.Tensor] = {}
    rates = []

    def fit(phase: Phase) -> Optimizer:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-3)
        scheduler.attach(optimizer)
        model.train()
        for epoch in range(phase.start, phase.end):
            scheduler.on_epoch_begin(epoch)
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.on_minibatch_begin(epoch, 0, 1)
            loss = torch.nn.functional.cross_entropy(model(clips), labels)
            loss, _ = scheduler.before_backward_pass(epoch, 0, 1, loss)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            scheduler.before_parameter_optimization(epoch, 0, 1, optimizer)
            optimizer.step()
            scheduler.on_minibatch_end(epoch, 0, 1, optimizer)
            scheduler.on_epoch_end(epoch)
        model.eval()
        seen["logits"] = model(clips).detach()
        return optimizer

    def compare(phase: Phase) -> None:
        if phase.start == 5:
            model.eval()
            torch.testing.assert_close(model(clips).detach(), seen["logits"], rtol=1e-4, atol=1e-5)
            left = sum(p.numel() for p in model.parameters())
            assert left < 0.35 * parameters
            assert total_sparsity(model) < 0.02

    run_phases(scheduler, compile_phases(scheduler.schedule, 8), fit=fit, after_seam=compare)  # type: ignore[arg-type]
    assert rates == pytest.approx([0.01] * 5 + [0.005] * 2 + [0.001])
    assert all(
        mask is None or mask.shape == model.get_parameter(name).shape
        for name, mask in scheduler.masks.items()
    )


def pruned(last: int, **args: bool) -> Schedule:
    """Return a schedule that prunes in epochs 0..last."""
    pruner = {"class": "SparsityLevelParameterPruner", "levels": {"conv1.weight": 0.5}}
    policy = {"instance_name": "level", "args": args}
    epochs = list(range(last + 1))
    return load_schedule(
        {"pruners": {"level": pruner}, "policies": [{"pruner": policy, "epochs": epochs}]}
    )


@pytest.mark.parametrize(
    ("schedule", "phase", "settled"),
    [
        (pruned(3), Phase(0, 8), 3),
        (pruned(3, mask_on_forward_only=True, keep_mask=True), Phase(0, 8), 4),
        (pruned(3), Phase(5, 8, ("thinner",)), 5),
        (pruned(7), Phase(0, 8), 7),
        # never later than the last one, or none could be kept
        (pruned(7, mask_on_forward_only=True), Phase(0, 8), 7),
        (load_schedule({"policies": []}), Phase(0, 2), 0),
    ],
)
def test_the_best_epoch_is_chosen_among_those_that_are_fully_pruned(
    schedule: Schedule, phase: Phase, settled: int
) -> None:
    assert first_settled_epoch(schedule, phase) == settled
