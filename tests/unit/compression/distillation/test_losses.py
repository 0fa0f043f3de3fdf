"""The terms of the loss, feature maps of two sizes, and a teacher's own clips."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.distillation.losses import (
    ResizedTeacher,
    distillation_loss,
    feature_loss,
    fit_clips,
    given_teacher,
)
from vcc.errors import ScheduleError


def test_a_student_that_answers_as_its_teacher_has_nothing_to_learn() -> None:
    logits = torch.randn(4, 3)
    assert float(distillation_loss(logits, logits + 5, 4.0)) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ScheduleError, match=r"logits \(4, 3\), the teacher \(4, 2\)"):
        distillation_loss(logits, logits[:, :2], 4.0)


def test_a_given_teacher_has_no_other_name() -> None:
    teacher = nn.Identity()
    assert given_teacher(teacher)(None) is teacher
    with pytest.raises(ScheduleError, match="names 'other': leave one out"):
        given_teacher(teacher)("other")


def test_feature_maps_of_two_sizes_meet_at_the_smaller() -> None:
    large = torch.arange(8.0).view(1, 1, 2, 2, 2)
    assert float(feature_loss(torch.full((1, 1, 1, 1, 1), 3.5), large)) == 0.0


def test_a_teacher_gets_clips_of_its_own_size_and_duration() -> None:
    class Shape(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return torch.tensor([list(pixels.shape)])

    clips = torch.randint(0, 256, (2, 3, 8, 16, 16), dtype=torch.uint8)
    assert ResizedTeacher(Shape(), (3, 4, 10, 10))(clips).tolist() == [[2, 3, 4, 10, 10]]
    assert fit_clips(clips, (3, 8, 16, 16)) is clips
    # Four of eight frames: the middle of each pair.
    frames = torch.arange(8).view(1, 1, 8, 1, 1).expand(1, 3, 8, 2, 2)
    assert fit_clips(frames, (3, 4, 2, 2))[0, 0, :, 0, 0].tolist() == [1, 3, 5, 7]
    # More frames than there are: each is repeated.
    assert fit_clips(frames[:, :, :2], (3, 4, 2, 2))[0, 0, :, 0, 0].tolist() == [0, 0, 1, 1]
