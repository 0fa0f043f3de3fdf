"""The fastest right plan is taken, within its time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from precision_toys import (
    BF16,
    BF16_LAST,
    LAST,
    LOSS,
    Clocked,
    Seconds,
    Timed,
    batch,
    options,
    with_a_fault,
)
from torch import nn

from vcc.errors import ConfigError, TrainingError
from vcc.training.precision import choice as precision_choice
from vcc.training.precision.budget import TimeBudget
from vcc.training.precision.check import LayerCheck
from vcc.training.precision.choice import Choice, choose_plan
from vcc.training.precision.settings import PrecisionPlan, PrecisionVariant
from vcc.training.precision.timing import PrecisionCandidate


@pytest.fixture
def bf16_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_choice, "computes_natively", lambda number: True)


@pytest.fixture
def bf16_is_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_choice, "computes_natively", lambda number: number == "fp32")


def chosen(network: nn.Module, clock: Seconds, epoch_steps: float = 1000) -> Choice:
    clips, labels = batch()
    asked = options("auto")
    budget = TimeBudget(clock)
    return choose_plan(
        network, clips, labels, loss=LOSS, options=asked, epoch_steps=epoch_steps, budget=budget
    )


@pytest.mark.usefixtures("bf16_is_native")
def test_auto_never_takes_a_plan_that_trains_a_wrong_layer_in_bf16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, (clips, labels) = with_a_fault(), batch()
    kept = PrecisionPlan(BF16, ("3",))

    def bf16_wins(*arguments: Any, **keywords: Any) -> list[PrecisionCandidate]:
        return [
            PrecisionCandidate(
                each.plan, each.wrong, (10.0,) * 3 if each.plan == kept else (100.0,) * 3
            )
            for each in arguments[3]
        ]

    monkeypatch.setattr(precision_choice, "time_steps", bf16_wins)
    stopped = TimeBudget(lambda: 0.0)  # what is slow on this machine is no matter here
    choice = choose_plan(network, clips, labels, loss=LOSS, options=options("auto"), budget=stopped)
    assert choice.plan == PrecisionPlan(BF16, ("3",))
    text = "\n".join(choice.lines())
    assert "precision: bf16 contiguous, 1 layer in fp32" in text
    assert "3 is wrong: weight gradient" in text
    tried = {candidate["number"] for candidate in choice.as_dict()["candidates"]}
    assert tried == {"fp32", "bf16"}


def test_a_format_that_was_asked_for_is_checked_too() -> None:
    network, (clips, labels) = with_a_fault(), batch()
    choice = choose_plan(network, clips, labels, loss=LOSS, options=options("bf16"))
    assert choice.plan == PrecisionPlan(BF16, ("3",))
    assert (choice.clips_checked, choice.clips_timed) == (6, 0)


@pytest.mark.usefixtures("bf16_is_emulated")
@pytest.mark.parametrize(
    ("last", "plan"), [(0.5, PrecisionPlan(LAST)), (1.5, PrecisionPlan()), (0.99, PrecisionPlan())]
)
def test_emulated_bf16_is_not_tried_and_a_layout_needs_a_gain(
    last: float, plan: PrecisionPlan
) -> None:
    clock = Seconds()
    choice = chosen(Timed(clock, last=last), clock)
    assert choice.plan == plan
    assert {each.plan.variant.number for each in choice.candidates} == {"fp32"}
    assert any("bf16 is not tried" in line for line in choice.lines())


@pytest.mark.usefixtures("bf16_is_native")
def test_a_variant_that_is_far_behind_is_given_up_at_once() -> None:
    clock = Seconds()
    choice = chosen(Timed(clock, mixed=15.0), clock)
    assert choice.plan == PrecisionPlan()
    refused = {each.plan.variant for each in choice.candidates if "far behind" in each.refused}
    assert refused == {BF16, BF16_LAST}
    assert not any(each.rounds_ms for each in choice.candidates if each.plan.variant in refused)


@pytest.mark.usefixtures("bf16_is_native")
@pytest.mark.parametrize(("scale", "epoch_steps"), [(1, 2), (20, 1000)])
def test_a_choice_ends_after_a_minute_or_two_epochs(scale: int, epoch_steps: int) -> None:
    clock = Seconds()
    network = nn.Sequential(*(Clocked(clock, scale / 2) for _ in range(2)), Timed(clock))
    most = min(60, 2 * epoch_steps * (scale + 1))
    choice = chosen(network, clock, epoch_steps)
    assert choice.plan == PrecisionPlan()
    # what cannot be ended half done is not begun
    assert clock.now <= most


def test_a_layout_that_is_wrong_in_fp32_is_refused_whatever_the_format() -> None:
    wrong = {"3": LayerCheck("output", 0.5)}
    checks = {LAST: wrong, BF16_LAST: {}, BF16: {}}
    (made,) = precision_choice._candidates(BF16_LAST, checks)
    assert made.refused == "3 wrong in fp32 too"
    (other,) = precision_choice._candidates(BF16, checks)
    assert not other.refused


def test_a_layer_that_is_quicker_in_fp32_is_tried_there_as_well() -> None:
    quick, slow, bad = (LayerCheck("output", error, s) for error, s in ((0, 1), (0, 3), (9, 1)))
    in_fp32 = {"a": quick, "b": quick, "c": quick}
    in_bf16 = {"a": slow, "b": quick, "c": bad}
    plans = [
        each.plan
        for each in precision_choice._candidates(BF16, {PrecisionVariant(): in_fp32, BF16: in_bf16})
    ]
    assert plans == [PrecisionPlan(BF16, ("c",)), PrecisionPlan(BF16, ("a", "c"))]


def test_fp16_is_tried_on_a_gpu_and_refused_on_a_cpu() -> None:
    on_gpu, notes = precision_choice._variants(on_gpu=True)
    assert [each.number for each in on_gpu] == ["fp32", "fp32", "bf16", "bf16", "fp16", "fp16"]
    assert not notes
    clips, labels = batch()
    with pytest.raises(ConfigError, match="fp16 trains on a GPU only"):
        choose_plan(with_a_fault(), clips, labels, loss=LOSS, options=options("fp16"))


def test_a_choice_is_read_back_for_a_training_that_goes_on() -> None:
    chosen = Choice(
        PrecisionPlan(BF16_LAST, ("a", "b")),
        (PrecisionCandidate(PrecisionPlan()),),
        clips_checked=4,
    )
    text = json.dumps(chosen.as_dict())
    assert Choice.from_text(text, where=Path("p.json")) == Choice(chosen.plan)
    for broken in ("[]", "{", '{"chosen": {"number": "fp8", "channels_last": 1, "in_fp32": []}}'):
        with pytest.raises(TrainingError, match=r"p\.json: is not a choice of precision"):
            Choice.from_text(broken, where=Path("p.json"))


def test_fp32_measures_nothing() -> None:
    clips, labels = batch()
    choice = choose_plan(with_a_fault(), clips, labels, loss=LOSS, options=options("fp32"))
    assert choice == Choice.plain()
