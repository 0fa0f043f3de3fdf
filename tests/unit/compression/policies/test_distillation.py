"""The distillation policy: golden numbers, the teacher left alone, and who gives the logits."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from compression_goldens import array, golden, golden_ids
from torch import Tensor, nn

from vcc.compression import file_config
from vcc.errors import ScheduleError


class Answers(nn.Module):
    """A network whose weight is its logits [N,C], whatever it is asked."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(logits.clone())

    def forward(self, inputs: Tensor) -> Tensor:
        return self.weight


def schedule(*, order: tuple[str, ...] = ("distiller",), l1: float = 0.0, **args: Any) -> Any:
    span = {"starting_epoch": 0, "ending_epoch": 1, "frequency": 1}
    subjects = {
        "distiller": {"distiller": {"instance_name": "kd"}, **span},
        "regularizer": {"regularizer": {"instance_name": "l1"}, **span},
    }
    made: dict[str, Any] = {
        "version": 1,
        "distillers": {"kd": {"class": "KnowledgeDistillation", **args}},
        "policies": [subjects[name] for name in order],
    }
    if "regularizer" in order:
        made["regularizers"] = {"l1": {"class": "L1Regularizer", "reg_regims": {"weight": l1}}}
    return made


def one_step(case: Any, given: Any) -> tuple[Tensor, Any, Answers, Tensor]:
    """Return loss, components, student and cross-entropy of one minibatch on golden logits."""
    inputs = case["inputs"]
    logits = (array(inputs["student"]), array(inputs["teacher"]))
    return answered(*logits, array(inputs["labels"]).long(), given)


def answered(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, given: Any
) -> tuple[Tensor, Any, Answers, Tensor]:
    """Return the same of logits [N,C] and labels [N]."""
    student, teacher = Answers(student_logits), Answers(teacher_logits)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    scheduler = file_config(student, optimizer, given, teacher=teacher)
    scheduler.on_epoch_begin(0)
    scheduler.on_minibatch_begin(0, 0, 1)
    logits = scheduler.forward(torch.zeros(1))
    entropy = nn.functional.cross_entropy(logits, labels)
    loss, parts = scheduler.before_backward_pass(0, 0, 1, entropy)
    loss.backward()
    assert teacher.weight.grad is None
    return loss, parts, student, entropy


@pytest.mark.parametrize("case_id", golden_ids("kd_T"))
def test_loss_component_and_gradient_are_distillers(case_id: str) -> None:
    case = golden(case_id)
    inputs, expected = case["inputs"], case["expected"]
    given = schedule(
        temperature=inputs["temperature"],
        distill_weight=inputs["distill_wt"],
        student_weight=inputs["student_wt"],
    )
    loss, parts, student, entropy = one_step(case, given)
    assert float(entropy.detach()) == pytest.approx(expected["ce"], rel=1e-5)
    assert float(loss.detach()) == pytest.approx(expected["overall"], rel=1e-5)
    component = expected["logged_component"]
    assert float(parts[component]) == pytest.approx(expected["logged_value"], rel=1e-5)
    assert student.weight.grad is not None
    torch.testing.assert_close(
        student.weight.grad, array(expected["student_grad"]), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    ("case_id", "order"),
    [
        ("kd_order_reg_first", ("regularizer", "distiller")),
        ("kd_order_kd_first", ("distiller", "regularizer")),
    ],
)
def test_a_regularizer_listed_before_is_scaled_too(case_id: str, order: tuple[str, ...]) -> None:
    case = golden(case_id)
    inputs = case["inputs"]
    given = schedule(
        order=order,
        l1=inputs["l1"],
        temperature=inputs["T"],
        distill_weight=inputs["distill_wt"],
        student_weight=inputs["student_wt"],
    )
    loss = one_step(case, given)[0]
    assert float(loss.detach()) == pytest.approx(case["expected"]["overall"], rel=1e-5)


def test_the_divergence_counts_by_the_temperature_s_square() -> None:
    student, teacher = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    given = schedule(temperature=2.0, distill_weight=0.5, student_weight=0.25)
    loss, parts, _, entropy = answered(student, teacher, torch.tensor([1]), given)
    # Softmax of (1, 0) and of (0, 1): their divergence is the difference of the two, once.
    high = float(torch.tensor(1.0).sigmoid())
    divergence = high - (1 - high)
    assert float(parts["Distill Loss"]) == pytest.approx(divergence)
    expected = 0.25 * float(entropy.detach()) + 0.5 * 4 * divergence
    assert float(loss.detach()) == pytest.approx(expected)


def test_a_teacher_weight_is_refused_as_in_distiller() -> None:
    assert golden("kd_teacher_wt")["expected"]["raises"] == "NotImplementedError"
    with pytest.raises(ScheduleError, match="teacher_weight"):
        file_config(Answers(torch.zeros(1, 2)), None, schedule(teacher_weight=0.5))


class Small(nn.Module):
    """A classifier of clips [N,3,T,H,W] with BatchNorm and dropout: its mode matters."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, width, 3, padding=1)
        self.norm = nn.BatchNorm3d(width)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(width, 4)

    def forward(self, clips: Tensor) -> Tensor:
        features = self.dropout(self.norm(self.conv(clips.float())))
        logits: Tensor = self.fc(features.mean(dim=(2, 3, 4)))
        return logits


def train_steps(student: nn.Module, teacher: nn.Module, given: Any) -> list[dict[str, Tensor]]:
    optimizer = torch.optim.SGD(student.parameters(), lr=0.01)
    scheduler = file_config(student, optimizer, given, teacher=teacher)
    seen = []
    scheduler.on_epoch_begin(0)
    for step in range(2):
        scheduler.on_minibatch_begin(0, step, 2)
        loss = nn.functional.cross_entropy(
            scheduler.forward(torch.randn(2, 3, 4, 8, 8)), torch.tensor([0, 1])
        )
        loss, parts = scheduler.before_backward_pass(0, step, 2, loss)
        optimizer.zero_grad()
        loss.backward()
        scheduler.before_parameter_optimization(0, step, 2, optimizer)
        optimizer.step()
        scheduler.on_minibatch_end(0, step, 2, optimizer)
        seen.append(dict(parts))
    scheduler.on_epoch_end(0)
    return seen


def test_the_teacher_is_in_evaluation_mode_and_does_not_change() -> None:
    teacher = Small(6).train()
    before = copy.deepcopy(teacher.state_dict())
    train_steps(Small(2), teacher, schedule())
    assert not teacher.training
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())


def test_features_are_imitated_where_the_shapes_allow() -> None:
    seen = train_steps(Small(4), Small(4), schedule(features={"conv": "conv"}, feature_weight=0.5))
    assert float(seen[0]["Feature Loss"]) > 0
    with pytest.raises(ScheduleError, match="differ in channels"):
        train_steps(Small(4), Small(5), schedule(features={"conv": "conv"}, feature_weight=0.5))


def test_what_does_not_fit_is_said_at_once() -> None:
    with pytest.raises(ScheduleError, match="the network has no module 'cnv'.*conv"):
        file_config(
            Small(2),
            None,
            schedule(features={"cnv": "conv"}, feature_weight=1.0),
            teacher=Small(2),
        )
    with pytest.raises(ScheduleError, match="needs a teacher"):
        file_config(Small(2), None, schedule())


def test_a_loop_that_shows_no_logits_is_told_how() -> None:
    student = Small(2)
    scheduler = file_config(student, None, schedule(), teacher=Small(2))
    scheduler.on_epoch_begin(0)
    scheduler.on_minibatch_begin(0, 0, 1)
    with pytest.raises(ScheduleError, match="saw no forward pass"):
        scheduler.before_backward_pass(0, 0, 1, torch.tensor(1.0))


def test_the_network_is_not_its_own_teacher() -> None:
    student = Small(2)
    with pytest.raises(ScheduleError, match="the teacher is the network itself: give a copy"):
        file_config(student, None, schedule(), teacher=student)


def test_features_without_a_weight_would_do_nothing() -> None:
    with pytest.raises(ScheduleError, match="features: need a feature_weight above 0"):
        file_config(Small(2), None, schedule(features={"conv": "conv"}), teacher=Small(2))


def test_no_hook_is_left_between_minibatches() -> None:
    student, teacher = Small(4), Small(4)
    train_steps(student, teacher, schedule(features={"conv": "conv"}, feature_weight=0.5))
    assert not student.conv._forward_hooks
    assert not teacher.conv._forward_hooks


def test_a_teacher_s_options_are_those_of_the_command_line() -> None:
    with pytest.raises(ScheduleError, match=r"kd.teacher.*'model_dept'.*model_depth"):
        file_config(Small(2), None, schedule(teacher={"model_dept": 10}), teacher=Small(2))
