"""Mixed precision: wrong layers are found and kept in float32; the fastest right plan is taken."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vcc.config.training import TrainingOptions
from vcc.errors import ConfigError, TrainingError
from vcc.models import build_model
from vcc.training.compilation import compile_network
from vcc.training.precision import choice as precision_choice
from vcc.training.precision.budget import TimeBudget
from vcc.training.precision.check import (
    LayerCheck,
    check_layers,
    relative_error,
    slower_layers,
    tolerance,
    wrong_layers,
)
from vcc.training.precision.choice import Choice, choose_plan
from vcc.training.precision.settings import PrecisionPlan, PrecisionVariant
from vcc.training.precision.timing import PrecisionCandidate, fastest, time_steps

BF16 = PrecisionVariant("bf16")
BF16_LAST = PrecisionVariant("bf16", channels_last=True)
LAST = PrecisionVariant(channels_last=True)
LOSS = nn.CrossEntropyLoss()


def options(precision: str) -> TrainingOptions:
    return TrainingOptions(train_precision=precision, learning_rate=0.01, no_cuda=True)


class _WrongWeightGradient(torch.autograd.Function):
    """A convolution with a bfloat16 weight gradient of noise; all else about it is right."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        # What autocast does with a convolution's operands.
        mixed = torch.is_autocast_enabled("cpu")
        dtype = torch.bfloat16 if mixed else torch.float32
        ctx.save_for_backward(x.to(dtype), weight.to(dtype))
        ctx.mixed = mixed
        return nn.functional.conv3d(x.to(dtype), weight.to(dtype), padding=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, weight = (each.detach().float().requires_grad_() for each in ctx.saved_tensors)
        with torch.enable_grad(), torch.autocast("cpu", enabled=False):
            y = nn.functional.conv3d(x, weight, padding=1)
        for_x, for_weight = torch.autograd.grad(y, (x, weight), gradients[0].float())
        if ctx.mixed:
            for_weight = torch.randn_like(for_weight) * for_weight.norm()
        return for_x, for_weight


class Faulty(nn.Conv3d):
    """Right in float32, silently wrong in bfloat16, as a kernel of one shape can be."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: A003
        result: Tensor = _WrongWeightGradient.apply(x, self.weight)
        return result


@pytest.fixture
def bf16_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_choice, "computes_natively", lambda number: True)


@pytest.fixture
def bf16_is_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_choice, "computes_natively", lambda number: number == "fp32")


def with_a_fault() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm3d(8),
        nn.ReLU(inplace=True),
        Faulty(8, 8, 3, padding=1, bias=False),
        nn.BatchNorm3d(8),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


def batch(frames: int = 4, size: int = 8) -> tuple[Tensor, Tensor]:
    return torch.randn(6, 3, frames, size, size), torch.tensor([0, 1, 0, 1, 0, 1])


def gradients(
    network: nn.Module, plan: PrecisionPlan, clips: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    """Return the network's gradients when trained by a plan."""
    trained = copy.deepcopy(network)
    with plan.applied(trained):
        with plan.variant.autocast("cpu"):
            logits = trained(clips)
        LOSS(logits.float(), labels).backward()
    return {name: p.grad for name, p in trained.named_parameters() if p.grad is not None}


def test_a_layer_with_a_wrong_gradient_is_found_and_trained_right() -> None:
    network, (clips, labels) = with_a_fault(), batch()
    errors = check_layers(network, clips, labels, LOSS, [BF16])[BF16]
    assert list(errors) == ["0", "1", "3", "4", "8"]
    wrong = wrong_layers(errors, BF16)
    assert list(wrong) == ["3"]
    assert wrong["3"].quantity == "weight gradient"
    right = gradients(network, PrecisionPlan(), clips, labels)["3.weight"]
    silent = gradients(network, PrecisionPlan(BF16), clips, labels)["3.weight"]
    kept = gradients(network, PrecisionPlan(BF16, ("3",)), clips, labels)["3.weight"]
    assert relative_error(silent, right) > 0.5
    assert relative_error(kept, right) < tolerance(BF16)


@pytest.mark.usefixtures("bf16_is_native")
def test_auto_never_takes_a_plan_that_trains_a_wrong_layer_in_bf16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, (clips, labels) = with_a_fault(), batch()
    kept = PrecisionPlan(BF16, ("3",))

    def bf16_wins(*arguments: Any, **keywords: Any) -> list[PrecisionCandidate]:
        return [
            PrecisionCandidate(each.plan, each.wrong, rounds(10 if each.plan == kept else 100))
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


def test_the_two_frame_weight_gradient_of_this_machine_is_judged_right() -> None:
    """torch 2.14 on AVX-512: garbage. Elsewhere right. The check must say which, and help."""
    conv = nn.Conv3d(64, 64, 3, padding=1, bias=False)
    x = torch.randn(4, 64, 2, 7, 7)
    reference, raw = (
        gradients_of_conv(conv, x, plan)["weight"]
        for plan in (PrecisionPlan(), PrecisionPlan(BF16))
    )
    is_wrong = not relative_error(raw, reference) <= tolerance(BF16)
    network = nn.Sequential(conv, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(64, 2))
    errors = check_layers(network, x, torch.tensor([0, 1, 0, 1]), LOSS, [BF16])[BF16]
    assert ("0" in wrong_layers(errors, BF16)) == is_wrong


def gradients_of_conv(conv: nn.Conv3d, x: Tensor, plan: PrecisionPlan) -> dict[str, Tensor]:
    network = nn.Sequential(copy.deepcopy(conv))
    with plan.applied(network), plan.variant.autocast("cpu"):
        y = network(x)
    torch.manual_seed(1)
    y.backward(torch.randn(y.shape).to(y.dtype))
    return {"weight": network[0].weight.grad}


# Where a processor emulates the format, ten seconds each.
@pytest.mark.slow
@pytest.mark.parametrize("variant", [BF16, BF16_LAST], ids=lambda each: each.name)
def test_a_resnet_of_16_frames_is_trained_right_in_bf16(variant: PrecisionVariant) -> None:
    """Its layer3 sees two frames: on AVX-512, three of its convolutions are silently wrong.

    Left in bfloat16, a gradient there would be off by a norm of its own, or not finite.
    """
    network = build_model("resnet", n_classes=3, model_depth=18, width_mult=0.25)
    # With batch statistics of a few random clips, rounding alone turns whole gradients round.
    network.eval()
    clips, labels = torch.randn(3, 3, 16, 32, 32), torch.tensor([0, 1, 2])
    errors = check_layers(network, clips, labels, LOSS, [variant])[variant]
    wrong = tuple(wrong_layers(errors, variant))
    assert len(errors) == 41
    assert set(wrong) <= {"layer3.0.conv2", "layer3.1.conv1", "layer3.1.conv2"}
    # Judged layer by layer: over 18 layers rounding adds up to what depends on the processor.
    with PrecisionPlan(variant, wrong).applied(network):
        assert not wrong_layers(
            check_layers(network, clips, labels, LOSS, [variant])[variant], variant
        )
    mixed = gradients(network, PrecisionPlan(variant, wrong), clips, labels)
    assert all(bool(torch.isfinite(each).all()) for each in mixed.values())


def test_a_kernel_that_would_end_the_process_is_not_asked() -> None:
    """Seven frames of kernel over four of input: on AVX-512 it writes outside its memory."""
    network = nn.Sequential(
        nn.Conv3d(3, 8, 7, padding=3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 2)
    )
    clips, labels = batch(frames=4)
    checks = check_layers(network, clips, labels, LOSS, [LAST, BF16, BF16_LAST])
    for variant in (BF16, BF16_LAST):
        assert list(wrong_layers(checks[variant], variant)) == ["0"]
    assert not wrong_layers(checks[LAST], LAST)
    assert not wrong_layers(check_layers(network, *batch(frames=8), LOSS, [BF16])[BF16], BF16)


def test_the_check_leaves_the_network_and_the_random_state_alone() -> None:
    network, (clips, labels) = with_a_fault(), batch()
    before, state = copy.deepcopy(network.state_dict()), torch.random.get_rng_state()
    choose_plan(network, clips, labels, loss=LOSS, options=options("auto"))
    assert torch.equal(state, torch.random.get_rng_state())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_plan_is_taken_back_and_a_copy_computes_with_its_own_weights() -> None:
    network, (clips, _) = with_a_fault(), batch()
    names, kinds = list(network.state_dict()), [type(each) for each in network.modules()]
    with PrecisionPlan(BF16_LAST, ("0", "8")).applied(network):
        assert list(network.state_dict()) == names
        assert network[3].weight.is_contiguous(memory_format=torch.channels_last_3d)
        with BF16.autocast("cpu"):
            assert network[0](clips).dtype == torch.float32
            assert network[3](clips.new_zeros(1, 8, 4, 8, 8)).dtype == torch.bfloat16
            twin = copy.deepcopy(network)
            nn.init.zeros_(network[8].weight)
            nn.init.zeros_(network[8].bias)
            assert network(clips).abs().max() == 0
            assert twin(clips).abs().max() > 0
    assert [type(each) for each in network.modules()] == kinds
    assert network[3].weight.is_contiguous()


def test_a_plan_is_taken_back_after_an_error() -> None:
    network = with_a_fault()
    with pytest.raises(RuntimeError, match="stop"), PrecisionPlan(BF16, ("3",)).applied(network):
        raise RuntimeError("stop")  # noqa: EM101
    assert type(network[3]) is Faulty


def rounds(ms: float, spread: float = 0.0) -> tuple[float, ...]:
    return (ms - spread, ms, ms + spread)


def test_the_fastest_that_is_clearly_faster_wins_and_else_plain_fp32() -> None:
    plain = PrecisionCandidate(PrecisionPlan(), rounds_ms=rounds(100, 10))
    last = PrecisionCandidate(PrecisionPlan(LAST), rounds_ms=rounds(80, 5))
    mixed = PrecisionCandidate(
        PrecisionPlan(BF16), rounds_ms=rounds(50), refused="its gradients are not finite"
    )
    assert fastest([plain, last, mixed]) is last
    within = PrecisionCandidate(PrecisionPlan(LAST), rounds_ms=rounds(80, 10))
    little = PrecisionCandidate(PrecisionPlan(LAST), rounds_ms=rounds(96))
    once = PrecisionCandidate(PrecisionPlan(LAST), rounds_ms=(50.0,))
    refused = PrecisionCandidate(PrecisionPlan(LAST), refused="3 wrong in fp32 too")
    for other in (within, once, refused):
        assert fastest([plain, other]) is plain
    assert (
        fastest([PrecisionCandidate(PrecisionPlan(), rounds_ms=rounds(100)), little]).plan
        == PrecisionPlan()
    )


class Seconds:
    """A clock that goes on when it is told to: each layer takes what the plan in use costs."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return self.now


class Timed(nn.Module):
    """Takes seconds of a made clock; more of them with channels innermost, or in bfloat16."""

    def __init__(self, clock: Seconds, *, last: float = 1.0, mixed: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 3, 2, 2, 2))
        self.clock, self.last, self.mixed = clock, last, mixed

    def __deepcopy__(self, memo: dict[int, Any]) -> Timed:
        twin = Timed(self.clock, last=self.last, mixed=self.mixed)
        twin.load_state_dict(self.state_dict())
        return twin

    def forward(self, x: Tensor) -> Tensor:
        innermost = not self.weight.is_contiguous()
        self.clock.now += self.last if innermost else 1.0
        self.clock.now += self.mixed - 1 if torch.is_autocast_enabled("cpu") else 0.0
        result: Tensor = nn.functional.conv3d(x, self.weight)
        return result.mean((2, 3, 4))


def chosen(network: nn.Module, clock: Seconds, epoch_steps: float = 1000) -> Choice:
    clips, labels = batch()
    asked = options("auto")
    budget = TimeBudget(clock)
    return choose_plan(
        network, clips, labels, loss=LOSS, options=asked, epoch_steps=epoch_steps, budget=budget
    )


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


@pytest.mark.parametrize(("step_s", "most_s"), [(10.0, 30.0), (0.001, 1.0)])
def test_far_behind_is_three_steps_and_no_less_than_a_second(step_s: float, most_s: float) -> None:
    budget = TimeBudget(lambda: 0.0)
    budget.pace(step_s, steps=100)
    assert budget.far_behind == pytest.approx(most_s)


@pytest.mark.usefixtures("bf16_is_native")
def test_a_variant_that_is_far_behind_is_given_up_at_once() -> None:
    clock = Seconds()
    choice = chosen(Timed(clock, mixed=15.0), clock)
    assert choice.plan == PrecisionPlan()
    refused = {each.plan.variant for each in choice.candidates if "far behind" in each.refused}
    assert refused == {BF16, BF16_LAST}
    assert not any(each.rounds_ms for each in choice.candidates if each.plan.variant in refused)


def test_a_step_that_is_far_behind_is_ended_between_two_layers() -> None:
    clock = Seconds()
    slow = nn.Sequential(*(nn.Sequential(Clocked(clock, 10.0)) for _ in range(9)))
    network = nn.Sequential(slow, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 2))
    budget = TimeBudget(clock)
    budget.pace(5.0, steps=1000)
    clips, labels = batch()
    plain, last = time_steps(
        network,
        clips,
        labels,
        [PrecisionCandidate(PrecisionPlan()), PrecisionCandidate(PrecisionPlan(LAST))],
        loss=LOSS,
        options=options("auto"),
        budget=budget,
    )
    assert plain.refused == last.refused == "far behind in its first step"
    assert clock.now == 40.0


class Clocked(nn.Module):
    def __init__(self, clock: Seconds, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def __deepcopy__(self, memo: dict[int, Any]) -> Clocked:
        return Clocked(self.clock, self.seconds)

    def forward(self, x: Tensor) -> Tensor:
        self.clock.now += self.seconds
        return x


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


def test_steps_are_timed_and_gradients_that_are_not_finite_refused() -> None:
    network, (clips, labels) = with_a_fault(), batch()
    candidates = [
        PrecisionCandidate(PrecisionPlan()),
        PrecisionCandidate(PrecisionPlan(LAST), refused="0 wrong in fp32 too"),
    ]

    def timed() -> list[PrecisionCandidate]:
        return time_steps(
            network,
            clips,
            labels,
            candidates,
            loss=LOSS,
            options=options("auto"),
            budget=TimeBudget(),
        )

    (plain, last) = timed()
    assert (plain.step_ms or 0) > 0
    assert last == candidates[1]
    nn.init.constant_(network[8].bias, float("nan"))
    assert timed()[0].refused == "its gradients are not finite"


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
    assert slower_layers(in_bf16, in_fp32) == ("a",)
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


def test_compile_without_a_compiler_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*_: Any, **__: Any) -> Any:
        raise RuntimeError("No working C++ compiler found\nlong story")  # noqa: EM101

    monkeypatch.setattr(torch, "compile", no_compiler)
    with pytest.raises(ConfigError, match=r"^compile: .*No working C\+\+ compiler found: leave"):
        compile_network(with_a_fault(), torch.device("cpu"))
