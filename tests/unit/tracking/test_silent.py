"""The run of processes that send nothing."""

from __future__ import annotations

import inspect

from vcc.tracking.runs import Run
from vcc.tracking.silent import SilentRun


def public(cls: type) -> dict[str, object]:
    return {
        name: member
        for name, member in vars(cls).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def test_it_answers_to_all_that_a_run_does() -> None:
    # What it left to its base would speak to a server that it has not. Who opened a run ends it.
    assert set(public(Run)) - set(public(SilentRun)) == {"finish", "abandon", "mark_killed"}
    for name, member in public(SilentRun).items():
        ours, theirs = inspect.signature(member), inspect.signature(getattr(Run, name))  # type: ignore[arg-type]
        assert list(ours.parameters) == list(theirs.parameters), name


def test_it_drops_what_it_takes() -> None:
    run = SilentRun("of rank 0")
    assert run.run_id == "of rank 0"
    run.log_metrics({"loss": 1.0}, step=3)
    run.log_text("text", "name")
    run.set_tags({"a": "b"})
    assert vars(run) == {"run_id": "of rank 0", "experiment_id": "none"}
