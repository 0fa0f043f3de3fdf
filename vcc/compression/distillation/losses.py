"""Knowledge distillation: a teacher's soft labels, and its features where the shapes allow.

The teacher is any module that maps what the student is given to logits. Where the two differ in
clip shape or normalisation, both are classifiers of pixels and `ResizedTeacher` fits the pixels.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from vcc.errors import ScheduleError, nearest

# what a schedule says about its teacher (text, a mapping of options or None) -> the teacher
TeacherProvider = Callable[[Any], nn.Module]

# ResizedTeacher, PixelClassifier and DataParallel, as they stand before every module's name
_WRAPPERS = re.compile(r"^(?:classifier\.)?(?:network\.)?(?:module\.)?")


@dataclass(frozen=True, kw_only=True)
class DistillationSettings:
    """How the terms of the loss are weighed.

    Attributes:
        temperature: divides both logits; positive.
        distill_weight: of the distillation term.
        student_weight: of the loss as earlier policies left it.
        feature_weight: of the features' mean squared differences.
    """

    temperature: float = 4.0
    distill_weight: float = 0.7
    student_weight: float = 0.3
    feature_weight: float = 0.0


def distillation_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return KL(softmax(teacher / T) || softmax(student / T)), the mean over the batch.

    Args:
        student: logits [N,C].
        teacher: logits [N,C]; no gradient flows into them.
        temperature: T.

    Raises:
        ScheduleError: the two name different numbers of classes.
    """
    if student.shape != teacher.shape:
        msg = (
            f"distillation: the student gives logits {tuple(student.shape)}, the teacher "
            f"{tuple(teacher.shape)}: both must know the same classes"
        )
        raise ScheduleError(msg)
    # In half precision the differences that a high temperature leaves would be rounded away.
    log_student = functional.log_softmax(student.float() / temperature, dim=1)
    log_teacher = functional.log_softmax(teacher.detach().float() / temperature, dim=1)
    return functional.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)


def feature_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean squared difference of two feature maps [N,C,...].

    Maps of different duration or size are averaged down to the smaller of the two.

    Raises:
        ScheduleError: different channels or ranks: there is nothing to compare.
    """
    if student.dim() != teacher.dim() or student.shape[:2] != teacher.shape[:2]:
        msg = (
            f"distillation: features {tuple(student.shape)} of the student and "
            f"{tuple(teacher.shape)} of the teacher differ in channels: choose other modules"
        )
        raise ScheduleError(msg)
    sizes = [min(pair) for pair in zip(student.shape[2:], teacher.shape[2:], strict=True)]
    pooled = [_average_to(features, sizes) for features in (student, teacher.detach())]
    return functional.mse_loss(pooled[0].float(), pooled[1].float())


def _average_to(features: Tensor, sizes: list[int]) -> Tensor:
    if list(features.shape[2:]) == sizes:
        return features
    pools: dict[int, Callable[..., Tensor]] = {
        1: functional.adaptive_avg_pool1d,
        2: functional.adaptive_avg_pool2d,
        3: functional.adaptive_avg_pool3d,
    }
    return pools[len(sizes)](features, tuple(sizes))


class ResizedTeacher(nn.Module):
    """A classifier of pixels, given the student's pixels resized to its own clips.

    Frames are chosen evenly over the clip's duration and repeated where the teacher wants more than
    there are; frames are resized bilinearly with antialiasing.

    Args:
        classifier: maps pixels [N,3,T,H,W], 0..255, to logits [N,C].
        clip_shape: (3, T, H, W) that it was trained on.
    """

    def __init__(self, classifier: nn.Module, clip_shape: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.classifier = classifier
        self.clip_shape = clip_shape

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits [N,C] for pixels [N,3,T,H,W] of any duration and size."""
        logits: Tensor = self.classifier(fit_clips(pixels, self.clip_shape))
        return logits


def fit_clips(pixels: Tensor, clip_shape: tuple[int, int, int, int]) -> Tensor:
    """Return pixels [N,3,T,H,W] at another duration and size; the same tensor where they fit."""
    _, duration, height, width = clip_shape
    n, channels, frames = pixels.shape[:3]
    if frames != duration:
        # centres of `duration` equal stretches of the clip
        chosen = ((torch.arange(duration) + 0.5) * frames / duration).long()
        pixels = pixels[:, :, chosen.to(pixels.device)]
    if pixels.shape[3:] == (height, width):
        return pixels
    images = pixels.transpose(1, 2).flatten(0, 1).float()
    resized = functional.interpolate(
        images, size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )
    return resized.view(n, duration, channels, height, width).transpose(1, 2)


def given_teacher(teacher: nn.Module) -> TeacherProvider:
    """Return a provider of one teacher, for loops that have it at hand.

    Raises:
        ScheduleError: when asked for a teacher by name.
    """

    def provide(named: Any) -> nn.Module:
        if named is not None:
            msg = f"the caller gave its own teacher, the schedule names {named!r}: leave one out"
            raise ScheduleError(msg)
        return teacher

    return provide


def frozen(teacher: nn.Module) -> nn.Module:
    """Put a teacher into evaluation mode and take its parameters out of training."""
    return teacher.eval().requires_grad_(False)


class FeatureTap:
    """Keeps the latest outputs of some modules of a network, by name, while it is on.

    Args:
        names: modules, as `plain_modules` names them.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.outputs: dict[str, Tensor] = {}
        self._handles: list[RemovableHandle] = []

    def on(self, network: nn.Module) -> None:
        """Begin to keep outputs; modules are looked up anew, since schedules replace them."""
        self.off()
        for name in self.names:
            module = plain_modules(network)[name]
            self._handles.append(module.register_forward_hook(self._keep(name)))

    def off(self) -> None:
        """Stop keeping outputs and forget those that were kept."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.outputs.clear()

    def _keep(self, name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            self.outputs[name] = output

        return hook


def plain_modules(network: nn.Module) -> dict[str, nn.Module]:
    """Return name -> module, also under the names without the wrappers around the network."""
    exact = dict(network.named_modules())
    return {_WRAPPERS.sub("", name): part for name, part in exact.items()} | exact


def check_features(student: nn.Module, teacher: nn.Module, wanted: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the modules that a schedule pairs."""
    problems: list[str] = []
    for names, network, whose in (
        (wanted.keys(), student, "network"),
        (wanted.values(), teacher, "teacher"),
    ):
        known = plain_modules(network)
        problems += [
            f"the {whose} has no module {name!r}: {nearest(name, known)}"
            for name in names
            if name not in known
        ]
    return problems
