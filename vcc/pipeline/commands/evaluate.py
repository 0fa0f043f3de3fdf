"""The evaluate command: a registered network on the test videos."""

from __future__ import annotations

import functools

from vcc.cli import say
from vcc.config.entrypoints import EvaluateEntry
from vcc.evaluation.comparison import as_text
from vcc.evaluation.results_tree import accuracy_lines
from vcc.pipeline.evaluate.robustness import robustness_step
from vcc.pipeline.evaluate.step import evaluate_step, largest_class_share, score_test
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.source import fetch_parent, find_source, name_of
from vcc.pipeline.unseen import check_unseen
from vcc.tracking.runs import connect, open_run


def run_evaluate(options: EvaluateEntry) -> None:
    """Measure a registered network on the test videos."""
    connect()
    source = find_source(options, alias=options.alias, force_split=options.force_split)
    card = source.network.card
    seen = check_unseen(
        card.train_videos, source.dataset, who=name_of(source), force=options.force_split
    )
    forced = seen or source.of_another_split
    name = options.run_name or f"evaluate {card.arch} {card.role} on {card.dataset}"
    score = functools.partial(
        score_test,
        no_cuda=options.no_cuda,
        n_threads=options.n_threads,
        softmax=not options.no_softmax_in_test,
    )
    rows = []
    with open_run(name, step="evaluate", options=options) as run:
        log_dataset(run, source.dataset, context="test")
        if forced:
            run.set_tags({"forced_split": f"trained on {card.split}"})
        # Fetched here: that it is compared on the same videos costs one more pass over them.
        dense = fetch_parent(card)
        metrics = evaluate_step(
            source.network,
            source.dataset,
            # Figures of videos it was trained on must not reach the version that a gate reads.
            version=None if forced else source.version,
            results=options.results,
            score=functools.partial(score, dataset=source.dataset),
            run=run,
            dense=dense,
        )
        if options.robustness:
            rows = robustness_step(
                source.network,
                source.dataset,
                names=options.robustness,
                dense=dense,
                score=score,
                run=run,
            )
    if forced:
        say(f"forced: trained on {card.split}, on test videos of {source.dataset.split}")
    say(f"{name_of(source)} on {metrics['test_videos']:.0f} test videos of {card.dataset}")
    if dense is not None and dense.card.protocol != card.protocol:
        say(f"clips of {card.protocol.text}; the dense network's are {dense.card.protocol.text}")
    say(f"clip top-1  {metrics['clip_top1']:.1%}")
    say(f"video top-1 {metrics['video_top1']:.1%}")
    say(f"largest class alone {largest_class_share(source.dataset):.1%}")
    say(accuracy_lines(metrics["video_top1"], metrics["video_top5"]).strip())
    if rows:
        say(as_text(rows))
    say(f"results in {options.results.resolve()}")
