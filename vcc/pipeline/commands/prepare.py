"""The prepare command: labelled videos to a prepared data set."""

from __future__ import annotations

from vcc.cli import say
from vcc.config.data import PrepareOptions
from vcc.config.entrypoints import PrepareEntry, TrainEntry
from vcc.pipeline.next_command import next_command
from vcc.pipeline.prepare import prepare_step
from vcc.tracking.runs import connect, open_run


def run_prepare(options: PrepareEntry) -> None:
    """Prepare videos and say where the data lies."""
    connect()
    with open_run(options.run_name or "prepare", step="prepare", options=options) as run:
        dataset = prepare_step(options.pick(PrepareOptions), run)
    say(f"prepared {dataset.name} in {dataset.root.resolve()}")
    data = TrainEntry(root_path=dataset.root.parent, dataset=dataset.root.name)
    say(next_command("train", {"model": "resnet"}, data))
