"""The distillation options on top of a schedule."""

from __future__ import annotations

from vcc.compression import last_epoch, load_schedule
from vcc.compression.schedule.edits import with_distiller
from vcc.config.distillation import DistillationOptions


def test_a_distiller_is_given_to_every_epoch_that_is_trained() -> None:
    plain = load_schedule({"policies": []})
    made = with_distiller(plain, DistillationOptions(kd_temp=2.0).weights(), n_epochs=3)
    assert last_epoch(made) == 3
    (distiller,) = made.in_section("distillers")
    assert dict(distiller.args) == {"temperature": 2.0}


def test_options_win_over_a_schedules_own_distiller() -> None:
    own = {"class": "KnowledgeDistillation", "temperature": 8.0, "student_weight": 0.5}
    policy = {"distiller": {"instance_name": "d"}, "epochs": [1]}
    schedule = load_schedule({"distillers": {"d": own}, "policies": [policy]})
    made = with_distiller(schedule, DistillationOptions(kd_temp=3.0).weights(), n_epochs=5)
    assert dict(made.component("distiller", "d").args) == {
        "temperature": 3.0,
        "student_weight": 0.5,
    }
    assert made.policies == schedule.policies
