"""The train command: a dense network, registered as the baseline."""

from __future__ import annotations

from pathlib import Path

from vcc.cli import say
from vcc.config.entrypoints import TrainEntry
from vcc.data.store.prepared import find_prepared
from vcc.errors import TrackingError
from vcc.pipeline.next_command import next_command
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.register import register_trained
from vcc.pipeline.registered_before import EPOCHS_TAG, epochs_trained, registered_before
from vcc.pipeline.train.cross_validation import cross_validate, say_result
from vcc.pipeline.train.recipe import train_from_entry, train_silently
from vcc.pipeline.train.resume import find_resumption, last_checkpoint
from vcc.pipeline.train.starting_weights import check_class_count
from vcc.pipeline.train.tested import measure_on_test
from vcc.tracking.runs import connect, open_run
from vcc.training.processes import is_first_process


def run_train(options: TrainEntry) -> None:
    """Train a dense network and register it as the baseline; with `folds`, cross-validate it.

    Of several processes that train together, the first one does all that is seen from outside.
    """
    dataset = find_prepared(options.root_path, options.dataset)
    if options.n_finetune_classes is None:
        check_class_count(options.n_classes, dataset)
    if options.folds is not None:
        connect()
        result = cross_validate(options, dataset, n_folds=options.folds)
        say_result(result, n_videos=len(dataset.manifest.videos))
        return
    if not is_first_process():
        train_silently(options, dataset)
        return
    connect()
    resume = find_resumption(options.resume_path) if options.resume_path else None
    name = options.run_name or f"train {options.model} on {dataset.name}"
    trained: Path | None = None
    try:
        with open_run(
            name, step="train", options=options, continues=resume.run_id if resume else None
        ) as run:
            log_dataset(run, dataset, context="train")
            trained = last_checkpoint(options.results, run.run_id)
            network = train_from_entry(options, dataset, run=run)
            epochs = epochs_trained(trained, resume)
            if (before := registered_before(resume, epochs)) is not None:
                say(f"this training was finished and is {before.uri}: nothing is registered again")
                return
            version = register_trained(network, run=run, tags={EPOCHS_TAG: str(epochs)})
            if options.test:
                measure_on_test(network, version, dataset, options)
    except TrackingError as error:
        if trained is None or not trained.is_file():
            raise
        msg = f"{error}; nothing is lost: repeat the command with resume_path={trained}"
        raise TrackingError(msg) from error
    say(f"results in {options.results.resolve()}")
    say(f"registered {version.uri} as baseline")
    say(next_command("compress", {"model": options.model}, options))
