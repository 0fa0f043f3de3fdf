"""`train` with `folds`: one network per fold, and what they are worth together."""

from __future__ import annotations

import logging

from vcc.cli import say
from vcc.config.entrypoints import TrainEntry
from vcc.config.training import TrainingOptions
from vcc.data.annotations.folds import fold_datasets
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.comparison import as_markdown, as_text
from vcc.evaluation.cross_validation import CrossValidation, FoldAnswers
from vcc.pipeline.evaluate.step import score_test
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.train.baselines import Resolutions, baseline_answers, resolutions_of
from vcc.pipeline.train.recipe import TrainRecipe
from vcc.tracking.runs import Run, open_run
from vcc.training.processes import require_one_process

_logger = logging.getLogger(__name__)


def cross_validate(
    options: TrainEntry, dataset: PreparedDataset, *, n_folds: int
) -> CrossValidation:
    """Train and test one network per fold, each in a child run, and log what comes of it.

    Nothing is registered: of k networks, none is the one.

    Args:
        options: what to train and how.
        dataset: all its videos take part, the test videos included.
        n_folds: how many parts, at least 2.

    Raises:
        ConfigError: several processes, or a training to resume, were asked for.
        DataError: the data cannot be split into so many folds.
    """
    require_one_process(options.pick(TrainingOptions))
    if options.resume_path is not None:
        msg = "resume_path: a cross-validation is not resumed: leave resume_path or folds out"
        raise ConfigError(msg)
    folds = fold_datasets(dataset, n_folds, seed=options.manual_seed)
    resolutions = resolutions_of(dataset)
    name = options.run_name or f"{n_folds} folds of {options.model} on {dataset.name}"
    with open_run(name, step="cross-validation", options=options) as run:
        log_dataset(run, dataset, context="cross-validation")
        answers, arch = [], options.model
        for number, fold in enumerate(folds, start=1):
            _logger.info("--- fold %d of %d", number, len(folds))
            scores, arch = _score_fold(options, fold, number=number)
            answers.append(_answers(fold, scores, resolutions))
        result = CrossValidation(arch=arch, folds=tuple(answers))
        _log(result, run, of_sources=resolutions.of_sources)
    return result


def say_result(result: CrossValidation, *, n_videos: int) -> None:
    """Write the table and the sentences for people."""
    say()
    say(as_text(result.rows()))
    say(f"({len(result.folds)} folds by groups, {n_videos} videos, each tested once)")
    for sentence in result.sentences():
        say(sentence)


def _score_fold(
    options: TrainEntry, fold: PreparedDataset, *, number: int
) -> tuple[VideoScores, str]:
    training = options.pick(TrainingOptions)
    with open_run(f"fold {number}", step="train", options=training) as run:
        log_dataset(run, fold, context="train")
        network = TrainRecipe.from_entry(options).train(fold, run=run)
        scores = score_test(network, fold, no_cuda=options.no_cuda, n_threads=options.n_threads)
        figures = scores.metrics()
        run.log_metrics({**figures, "test_videos": float(len(scores.labels))})
        _logger.info("fold %d: video top-1 %.1f %%", number, 100 * figures["video_top1"])
    return scores, network.card.arch


def _answers(fold: PreparedDataset, scores: VideoScores, resolutions: Resolutions) -> FoldAnswers:
    asked = fold.videos("test")
    largest_class, by_resolution = baseline_answers(fold, resolutions)
    return FoldAnswers(
        videos=tuple(record.id for record in asked),
        labels=tuple(record.label for record in asked),
        network=tuple(int(index) for index in scores.scores.argmax(dim=1)),
        largest_class=tuple(largest_class),
        resolution=tuple(by_resolution),
    )


def _log(result: CrossValidation, run: Run, *, of_sources: bool) -> None:
    run.log_metrics(result.metrics())
    run.set_tags({"arch": result.arch})
    table = as_markdown(result.rows())
    note = "" if of_sources else "\n\nResolution is that of the stored frames."
    text = f"{table}\n\n" + "\n".join(f"- {line}" for line in result.sentences()) + note
    run.describe(text)
    run.log_text(text + "\n", "cross_validation.md")
    run.log_text(result.as_csv(), "cross_validation.csv")
