"""Options of a distillation's teacher and weights; names are the thesis's."""

from __future__ import annotations

from dataclasses import dataclass

from vcc.config.networks.arguments import known_model, read_arguments
from vcc.config.networks.fields import family_names, with_family_options
from vcc.config.options import Options, option


@dataclass(frozen=True, kw_only=True)
@with_family_options(after="t_path", prefix="t_", told="teacher: {families}: {help}", unset=True)
class DistillationOptions(Options):
    """Who teaches, and how much it counts; unset ones are the schedule's.

    With any of them set, a schedule without a distiller gets one for all its epochs.
    """

    t_model: str | None = option(
        None, "teacher: network family, torchvision:NAME or python:...; default: the baseline"
    )
    t_model_args: str | None = option(
        None, "teacher: arguments of the factory in t_model, a JSON object"
    )
    t_path: str | None = option(
        None, "teacher: models:/NAME@ALIAS, checkpoint folder or .pth file of t_model"
    )
    t_width_mult: float | None = option(None, "teacher: factor on the channels", above=0)
    t_n_classes: int | None = option(
        None, "teacher: number of classes; must be the data's", at_least=2
    )
    t_sample_size: int | None = option(
        None,
        "teacher: height and width of its clips, pixels; default: as it was trained",
        at_least=8,
    )
    t_sample_duration: int | None = option(
        None, "teacher: frames in its clips; default: as it was trained", at_least=1
    )
    kd_distill_wt: float | None = option(
        None, "weight of the distillation term; default: the schedule's, else 0.7", at_least=0
    )
    kd_student_wt: float | None = option(
        None, "weight of the student's own loss; default: the schedule's, else 0.3", at_least=0
    )
    kd_temp: float | None = option(
        None, "distillation temperature; default: the schedule's, else 4.0", above=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        read_arguments(self.t_model_args, option_name="t_model_args")
        if self.t_model is not None:
            known_model(self.t_model, family_names(), option_name="t_model")

    def given(self) -> bool:
        """Return whether any of them is set."""
        return any(value is not None for value in self.as_dict().values())

    def teacher(self) -> dict[str, object]:
        """Return the teacher's options that are set, named as in a schedule."""
        return {
            name.removeprefix("t_"): value
            for name, value in self.as_dict().items()
            if name.startswith("t_") and value is not None
        }

    def weights(self) -> dict[str, float]:
        """Return the weights and temperature that are set, named as in a schedule."""
        named = {
            "distill_weight": self.kd_distill_wt,
            "student_weight": self.kd_student_wt,
            "temperature": self.kd_temp,
        }
        return {name: value for name, value in named.items() if value is not None}
