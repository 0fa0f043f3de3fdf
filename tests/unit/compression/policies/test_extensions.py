"""The section `extensions`: what it holds, and when it acts."""

from __future__ import annotations

from vcc.compression import compile_phases, last_epoch, load_schedule
from vcc.compression.policies.extensions import EXTENSIONS


def test_every_step_is_registered() -> None:
    assert set(EXTENSIONS) >= {"FilterRemover", "ChannelRemover", "StructureRemover", "PreciseBN"}


def test_a_step_is_a_seam_and_needs_no_epoch_after_it() -> None:
    schedule = load_schedule(
        {
            "extensions": {"thin": {"class": "FilterRemover"}, "again": {"class": "PreciseBN"}},
            "policies": [
                {"extension": {"instance_name": "thin"}, "epochs": [2]},
                {"extension": {"instance_name": "again"}, "epochs": [2, 3]},
            ],
        }
    )
    assert last_epoch(schedule) == 3
    phases = compile_phases(schedule, 3)
    assert [(phase.start, phase.actions) for phase in phases] == [
        (0, ()),
        (2, ("thin", "again")),
        (3, ("again",)),
    ]
