"""`train` with `folds`: one network per fold, and what they are worth together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from vcc.cli import say
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import TrainEntry
from vcc.config.model import ModelOptions
from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.data.annotations.folds import fold_datasets
from vcc.data.store.manifest import VideoRecord
from vcc.data.store.prepared import PreparedDataset
from vcc.data.store.sources import source_sizes
from vcc.errors import ConfigError
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.baselines import Size, predict_by_resolution, predict_largest_class
from vcc.evaluation.comparison import as_markdown, as_text
from vcc.evaluation.cross_validation import CrossValidation, FoldAnswers
from vcc.pipeline.evaluate.step import score_test
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.train.step import train_step
from vcc.tracking.runs import Run, open_run
from vcc.training.processes import require_one_process

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resolutions:
    """Width and height per video id, and whether they are the sources' own."""

    sizes: dict[str, Size]
    of_sources: bool

    def of(self, videos: Sequence[VideoRecord]) -> list[Size]:
        """Return each video's width and height in pixels."""
        return [self.sizes[video.id] for video in videos]


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
        network = train_step(
            fold,
            model=options.pick(ModelOptions),
            clip=options.pick(ClipOptions),
            training=training,
            run=run,
            finetune=options.pick(FinetuneOptions),
        )
        scores = score_test(network, fold, no_cuda=options.no_cuda, n_threads=options.n_threads)
        figures = scores.metrics()
        run.log_metrics({**figures, "test_videos": float(len(scores.labels))})
        _logger.info("fold %d: video top-1 %.1f %%", number, 100 * figures["video_top1"])
    return scores, network.card.arch


def baseline_answers(
    fold: PreparedDataset, resolutions: Resolutions
) -> tuple[list[int], list[int]]:
    """Return what the largest class, and resolution alone, answer for a fold's test videos."""
    # Baselines have nothing to choose by dev: they may learn from it.
    known = [*fold.videos("train"), *fold.videos("dev")]
    asked = fold.videos("test")
    labels = [record.label for record in known]
    by_resolution = predict_by_resolution(resolutions.of(known), labels, resolutions.of(asked))
    # Of all videos: where classes are nearly as large, the largest of the training folds is the
    # smallest of the held-out one, and to beat its constant mistake would be no merit.
    every = [record.label for record in fold.manifest.videos]
    return predict_largest_class(every, len(asked)), by_resolution


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


def resolutions_of(dataset: PreparedDataset) -> Resolutions:
    """Return the resolution of every video: of its source where `prepare` recorded that."""
    videos = dataset.manifest.videos
    sizes = source_sizes(dataset.root, videos)
    if sizes is None:
        _logger.warning(
            "%s does not say how large its source videos were: the baseline `resolution` uses the "
            "stored frames' size, which says less: prepare the data again",
            dataset.name,
        )
    stored = [(video.width, video.height) for video in videos]
    ids = [video.id for video in videos]
    return Resolutions(dict(zip(ids, sizes or stored, strict=True)), sizes is not None)


def _log(result: CrossValidation, run: Run, *, of_sources: bool) -> None:
    run.log_metrics(result.metrics())
    run.set_tags({"arch": result.arch})
    table = as_markdown(result.rows())
    note = "" if of_sources else "\n\nResolution is that of the stored frames."
    text = f"{table}\n\n" + "\n".join(f"- {line}" for line in result.sentences()) + note
    run.describe(text)
    run.log_text(text + "\n", "cross_validation.md")
    run.log_text(result.as_csv(), "cross_validation.csv")
