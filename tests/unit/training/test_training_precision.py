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
from vcc.training import precision_choice
from vcc.training.compilation import compile_network
from vcc.training.precision import Plan, Variant
from vcc.training.precision_check import (
    LayerCheck,
    check_layers,
    relative_error,
    slower_layers,
    tolerance,
    wrong_layers,
)
from vcc.training.precision_choice import Candidate, Choice, choose_plan, fastest, time_steps

BF16 = Variant("bf16")
BF16_LAST = Variant("bf16", channels_last=True)
LAST = Variant(channels_last=True)
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


def gradients(network: nn.Module, plan: Plan, clips: Tensor, labels: Tensor) -> dict[str, Tensor]:
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
    right = gradients(network, Plan(), clips, labels)["3.weight"]
    silent = gradients(network, Plan(BF16), clips, labels)["3.weight"]
    kept = gradients(network, Plan(BF16, ("3",)), clips, labels)["3.weight"]
    assert relative_error(silent, right) > 0.5
    assert relative_error(kept, right) < tolerance(BF16)


def test_auto_never_takes_a_plan_that_trains_a_wrong_layer_in_bf16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, (clips, labels) = with_a_fault(), batch()

    def bf16_wins(*arguments: Any, **keywords: Any) -> list[Candidate]:
        return [
            Candidate(each.plan, each.wrong, 10.0 if each.plan == Plan(BF16, ("3",)) else 100.0)
            for each in arguments[3]
        ]

    monkeypatch.setattr(precision_choice, "time_steps", bf16_wins)
    choice = choose_plan(network, clips, labels, loss=LOSS, options=options("auto"))
    assert choice.plan == Plan(BF16, ("3",))
    text = "\n".join(choice.lines())
    assert "precision: bf16 contiguous, 1 layer in fp32" in text
    assert "3 is wrong: weight gradient" in text
    tried = {candidate["number"] for candidate in choice.as_dict()["candidates"]}
    assert tried == {"fp32", "bf16"}


def test_a_format_that_was_asked_for_is_checked_too() -> None:
    network, (clips, labels) = with_a_fault(), batch()
    choice = choose_plan(network, clips, labels, loss=LOSS, options=options("bf16"))
    assert choice.plan == Plan(BF16, ("3",))
    assert (choice.clips_checked, choice.clips_timed) == (6, 0)


def test_the_two_frame_weight_gradient_of_this_machine_is_judged_right() -> None:
    """torch 2.14 on AVX-512: garbage. Elsewhere right. The check must say which, and help."""
    conv = nn.Conv3d(64, 64, 3, padding=1, bias=False)
    x = torch.randn(4, 64, 2, 7, 7)
    reference, raw = (gradients_of_conv(conv, x, plan)["weight"] for plan in (Plan(), Plan(BF16)))
    is_wrong = not relative_error(raw, reference) <= tolerance(BF16)
    network = nn.Sequential(conv, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(64, 2))
    errors = check_layers(network, x, torch.tensor([0, 1, 0, 1]), LOSS, [BF16])[BF16]
    assert ("0" in wrong_layers(errors, BF16)) == is_wrong


def gradients_of_conv(conv: nn.Conv3d, x: Tensor, plan: Plan) -> dict[str, Tensor]:
    network = nn.Sequential(copy.deepcopy(conv))
    with plan.applied(network), plan.variant.autocast("cpu"):
        y = network(x)
    torch.manual_seed(1)
    y.backward(torch.randn(y.shape).to(y.dtype))
    return {"weight": network[0].weight.grad}


@pytest.mark.parametrize("variant", [BF16, BF16_LAST], ids=lambda each: each.name)
def test_a_resnet_of_16_frames_is_trained_right_in_bf16(variant: Variant) -> None:
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
    right = gradients(network, Plan(), clips, labels)
    mixed = gradients(network, Plan(variant, wrong), clips, labels)
    for name in right:
        # Rounding of 18 layers, and of max-pooling's choice between near equals.
        assert relative_error(mixed[name], right[name]) < 0.25, name


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
    with Plan(BF16_LAST, ("0", "8")).applied(network):
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
    with pytest.raises(RuntimeError, match="stop"), Plan(BF16, ("3",)).applied(network):
        raise RuntimeError("stop")  # noqa: EM101
    assert type(network[3]) is Faulty


def test_the_fastest_that_may_be_taken_wins_and_plain_fp32_wins_ties() -> None:
    plain = Candidate(Plan(), step_ms=100.0)
    last = Candidate(Plan(LAST), step_ms=80.0)
    mixed = Candidate(Plan(BF16), step_ms=50.0, refused="its gradients are not finite")
    assert fastest([plain, last, mixed]) is last
    assert fastest([plain, Candidate(Plan(LAST), step_ms=96.0)]) is plain
    assert fastest([plain, Candidate(Plan(LAST), refused="3 wrong in fp32 too")]) is plain


def test_steps_are_timed_and_gradients_that_are_not_finite_refused() -> None:
    network, (clips, labels) = with_a_fault(), batch()
    nn.init.constant_(network[8].bias, float("nan"))
    candidates = [Candidate(Plan()), Candidate(Plan(LAST), refused="0 wrong in fp32 too")]
    timed = time_steps(
        network, clips, labels, candidates, loss=LOSS, options=options("auto"), rounds=1
    )
    assert timed[0].refused == "its gradients are not finite"
    assert (timed[0].step_ms or 0) > 0
    assert timed[1] == candidates[1]


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
        for each in precision_choice._candidates(BF16, {Variant(): in_fp32, BF16: in_bf16})
    ]
    assert plans == [Plan(BF16, ("c",)), Plan(BF16, ("a", "c"))]


def test_fp16_is_tried_on_a_gpu_and_refused_on_a_cpu() -> None:
    on_gpu = [variant.number for variant in precision_choice._variants("auto", on_gpu=True)]
    assert on_gpu == ["fp32", "fp32", "bf16", "bf16", "fp16", "fp16"]
    clips, labels = batch()
    with pytest.raises(ConfigError, match="fp16 trains on a GPU only"):
        choose_plan(with_a_fault(), clips, labels, loss=LOSS, options=options("fp16"))


def test_a_choice_is_read_back_for_a_training_that_goes_on() -> None:
    chosen = Choice(Plan(BF16_LAST, ("a", "b")), (Candidate(Plan()),), clips_checked=4)
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
