"""Every shipped schedule says what it is for, fits its networks, and runs on them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from shipped import FAMILIES, shipped_schedules
from small_families import SMALL_FAMILIES
from torch.optim import SGD

from vcc.compression import compile_phases, file_config, last_epoch, load_schedule, run_phases
from vcc.compression.schedule.phases import Phase
from vcc.compression.schedule.shipped import (
    SCHEDULES,
    default_schedule,
)
from vcc.errors import NotAvailableError, ScheduleError
from vcc.models import build_model
from vcc.models.network import VideoNetwork

HEADER = ("goal", "command", "baseline", "result", "epochs", "date")
# Blocks that are added, and depthwise ones; channels that are shuffled and split take longest.
TRIED = ("resnet", "csn")
DECOMPOSES = "decompose_filters"
PAIRS = [(family, path.name) for family in FAMILIES for path in shipped_schedules(family)]


def _default_pairs() -> set[tuple[str, str]]:
    """Return every schedule for all families once, on some in turn, and all of those families' own.

    The other pairs are slow: more of a kind. So are families' own schedules that decompose, beside
    the resnets': `test_decomposition_schedules.py` follows their steps.
    """
    names = {name for _, name in PAIRS}
    schedules = sorted(name for name in names if DECOMPOSES not in name or "resnet" in name)
    chosen = set()
    for number, name in enumerate(schedules):
        families = [family for family in TRIED if (family, name) in PAIRS]
        if families:
            chosen.add((families[number % len(families)], name))
    return chosen


DEFAULT = _default_pairs()
CASES = [pytest.param(*pair, marks=() if pair in DEFAULT else pytest.mark.slow) for pair in PAIRS]
# of channels, frames and pixels: few, but as many as C3D's pools leave something of
CLIPS = {"c3d": (3, 9, 24, 24)}


def clip_of(family: str) -> tuple[int, int, int, int]:
    return CLIPS.get(family, (3, 4, 24, 24))


def tiny(family: str) -> VideoNetwork:
    return build_model(
        family,
        n_classes=3,
        sample_size=clip_of(family)[-1],
        sample_duration=clip_of(family)[1],
        width_mult=0.25,
        **SMALL_FAMILIES[family],
    )


@pytest.mark.parametrize("path", sorted(SCHEDULES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_header_says_what_it_is_for(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()[: len(HEADER)]

    for line, word in zip(lines, HEADER, strict=True):
        assert re.fullmatch(rf"# {word}: +\S.*", line), line
    assert f"schedule=schedules/{path.name}" in lines[1]
    assert re.search(r"\d|not measured yet", lines[3]), "the result is a measured figure"
    assert re.fullmatch(r"# date: +20\d\d-\d\d-\d\d", lines[5])


@pytest.mark.parametrize("path", sorted(SCHEDULES.glob("*.yaml")), ids=lambda path: path.stem)
def test_it_survives_the_way_to_yaml_and_back(path: Path, tmp_path: Path) -> None:
    schedule = load_schedule(path)
    (tmp_path / path.name).write_text(schedule.to_yaml(), encoding="utf-8")

    assert load_schedule(tmp_path / path.name) == schedule
    assert not schedule.warnings


@pytest.mark.parametrize(("family", "name"), CASES)
def test_it_runs_on_the_family(family: str, name: str) -> None:
    torch.manual_seed(0)
    model, clip = tiny(family), clip_of(family)
    dense = sum(parameter.numel() for parameter in model.parameters())
    schedule = load_schedule(SCHEDULES / name)
    phases = compile_phases(schedule, last_epoch(schedule))
    scheduler = file_config(
        model,
        None,
        schedule,
        mask_coupled=True,
        example_input=torch.zeros(2, *clip),
        calibration=lambda: [torch.randn(2, *clip)],
        teacher=tiny(family),
    )
    clips, labels = torch.randn(4, *clip), torch.tensor([0, 1, 2, 0])

    def fit(phase: Phase) -> SGD:
        optimizer = SGD(model.parameters(), lr=0.001, momentum=0.9)
        scheduler.attach(optimizer)
        model.train()
        for epoch in range(phase.start, phase.end):
            scheduler.on_epoch_begin(epoch)
            scheduler.on_minibatch_begin(epoch, 0, 1)
            loss = torch.nn.functional.cross_entropy(scheduler.forward(clips), labels)
            loss, _ = scheduler.before_backward_pass(epoch, 0, 1, loss)
            optimizer.zero_grad()
            loss.backward()
            scheduler.before_parameter_optimization(epoch, 0, 1, optimizer)
            optimizer.step()
            scheduler.on_minibatch_end(epoch, 0, 1, optimizer)
            scheduler.on_epoch_end(epoch, {"min": float(loss.detach()), "max": 0.0})
        return optimizer

    run_phases(scheduler, phases, fit=fit)

    model.eval()
    assert bool(model(clips).isfinite().all())
    left = sum(int((parameter != 0).sum()) for parameter in model.parameters())
    kinds = {type(module).__name__ for module in model.modules()}
    if "pruners" in schedule.as_mapping():
        assert left < 0.9 * dense
    if "extensions" in schedule.as_mapping():
        # what was masked is gone, not zero
        assert sum(parameter.numel() for parameter in model.parameters()) < 0.9 * dense
    if "quantizers" in schedule.as_mapping():
        assert "WeightQuantizer" in kinds


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["ep", "ptq", "qat", "kd", "ep,ptq", "qat,ep"])
def test_a_compression_type_selects_a_schedule_of_the_family(family: str, kind: str) -> None:
    chosen = default_schedule(family, kind)

    assert chosen in shipped_schedules(family)
    sections = {"ep": "pruners", "ptq": "quantizers", "qat": "quantizers", "kd": "distillers"}
    wanted = {sections[each] for each in kind.split(",")}
    assert wanted <= set(load_schedule(chosen).as_mapping())


def test_distillation_goes_beside_the_schedule_of_the_other_types() -> None:
    assert default_schedule("csn", "kd,ep") == default_schedule("csn", "ep")
    assert default_schedule("csn", "ep,qat,kd") == default_schedule("csn", "ep,qat")


def test_unknown_and_unshipped_types_are_told_apart() -> None:
    with pytest.raises(ScheduleError, match="did you mean qat"):
        default_schedule("resnet", "qta")
    with pytest.raises(NotAvailableError, match="schedule=FILE"):
        default_schedule("resnet", ("ep", "ptq", "qat"))
    with pytest.raises(NotAvailableError, match="i3d ptq.qat"):
        default_schedule("i3d", "ptq,qat")


@pytest.mark.parametrize("kind", ["ep", "ptq", "qat", "kd", "ep,ptq", "qat,ep"])
def test_a_network_of_no_family_of_ours_gets_the_schedules_for_any(kind: str) -> None:
    chosen = default_schedule("torchvision:r3d_18", kind)

    assert chosen == default_schedule("python:somewhere:make", kind)
    assert not chosen.name.startswith(FAMILIES)
    ours = default_schedule("resnet", kind)
    assert load_schedule(chosen).as_mapping() == load_schedule(ours).as_mapping()
