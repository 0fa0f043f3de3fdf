"""The compress command: a registered baseline, made smaller by a schedule, as challenger."""

from __future__ import annotations

import dataclasses

from vcc.cli import say
from vcc.config.entrypoints import CompressEntry
from vcc.config.training import ResumeOptions, TrainingOptions
from vcc.pipeline.compress.compressed import compress
from vcc.pipeline.compress.recipe import recipe_from_entry
from vcc.pipeline.compress.resume import parent_of
from vcc.pipeline.next_command import next_command
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.registered_before import EPOCHS_TAG, epochs_trained, registered_before
from vcc.pipeline.source import find_source
from vcc.pipeline.train.resume import find_resumption, plan_checkpoints
from vcc.tracking.runs import connect, open_run
from vcc.training.processes import require_one_process
from vcc.training.resume_checkpoint import LAST_FILE


def run_compress(options: CompressEntry) -> None:
    """Compress a registered baseline and register the result as challenger."""
    require_one_process(TrainingOptions())
    connect()
    resume = find_resumption(options.resume_path) if options.resume_path else None
    if resume is not None and options.source is None:
        # Another baseline may have been registered meanwhile.
        options = dataclasses.replace(options, source=parent_of(resume))
    source = find_source(options, alias=None if options.source else "baseline")
    parent = source.version.uri if source.version else None
    recipe = recipe_from_entry(options, source.network, parent=parent)
    name = options.run_name or f"compress {source.network.card.arch} by {recipe.schedule.stem}"
    with open_run(
        name, step="compress", options=options, continues=resume.run_id if resume else None
    ) as run:
        log_dataset(run, source.dataset, context="train")
        plan = plan_checkpoints(
            options.pick(ResumeOptions), results=options.results, run_id=run.run_id
        )
        made = compress(source.network, source.dataset, recipe, run=run, checkpoints=plan)
        epochs = epochs_trained(plan.folder / LAST_FILE, resume)
        if (before := registered_before(resume, epochs)) is not None:
            say(f"this compression was finished and is {before.uri}: nothing is registered again")
            return
        version = made.register(run=run, tags={EPOCHS_TAG: str(epochs)})
    for line in made.lines():
        say(line)
    say(f"results in {options.results.resolve()}")
    say(f"registered {version.uri} as challenger")
    say(next_command("evaluate", {"source": version.uri}, options))
