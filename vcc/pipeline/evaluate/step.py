"""The evaluate step: clip and video accuracy on the test videos, logged and written down."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from vcc.compression.masks.sparsity import total_sparsity
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.calibration import reliability
from vcc.evaluation.results_tree import Results, write_results
from vcc.evaluation.val_json import results_of
from vcc.models.summary import count_macs, count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.artifacts import Scored, log_accuracy, paired_with
from vcc.pipeline.evaluate.inference import classify_with_network, device_for, score_subset
from vcc.pipeline.int8_overflow import warn_of_overflow
from vcc.pipeline.notes import evaluated_note
from vcc.pipeline.tags import metric_tags
from vcc.tracking.registry import Version, tag_version
from vcc.tracking.runs import Run


def evaluate_step(
    network: Network,
    dataset: PreparedDataset,
    *,
    version: Version | None,
    results: Path,
    score: Callable[[Network], VideoScores],
    run: Run,
    dense: Network | None = None,
) -> dict[str, float]:
    """Measure a network on the test videos and write the figures wherever they are looked for.

    Args:
        network: what is measured.
        dataset: its `test` videos are scored.
        version: the registered version to tag with the figures.
        results: root of the results tree.
        score: scores a network on those videos, see `score_test`.
        run: the figures' run.
        dense: the network it was compressed from, which is scored on the same videos and compared.

    Returns:
        metric name to value: accuracies (0..1), params, macs, sparsity.
    """
    warn_of_overflow(network)
    scores = score(network)
    now = Scored(name=network.card.role, scores=scores)
    before = None
    if dense is not None:
        before = Scored(name="dense", scores=score(dense))
    metrics = {
        **scores.metrics(),
        **size_figures(network),
        **video_cost(network, clips_per_test_video(network, dataset)),
        "ece": reliability(scores).ece,
        "test_videos": float(len(scores.labels)),
    }
    note = evaluated_note(network.card, metrics)
    if dense is not None and before is not None:
        paired = paired_with(before, now, dataset)
        metrics |= paired.metrics()
        metrics["macs_ratio"] = size_figures(dense)["macs"] / metrics["macs"]
        note = f"{note} {paired.sentence()}{_other_clips(network, dense, dataset)}"
    run.describe(note)
    folder = _write_tree(network, dataset, scores, results)
    run.set_tags({"arch": network.card.arch, "method": network.card.method})
    run.log_metrics(metrics, model_id=version.model_id if version else None)
    run.log_file(folder, "results")
    log_accuracy(now, dataset, run, before=before)
    if version is not None:
        tag_version(version, metric_tags(metrics))
    return metrics


def score_test(
    network: Network,
    dataset: PreparedDataset,
    *,
    no_cuda: bool,
    n_threads: int,
    softmax: bool = True,
) -> VideoScores:
    """Return a network's scores of the test videos, by its own protocol."""
    classify = classify_with_network(network.classifier(), device_for(no_cuda=no_cuda))
    return score_subset(
        classify,
        dataset,
        network.card.protocol,
        subset="test",
        n_threads=n_threads,
        softmax=softmax,
    )


def size_figures(network: Network) -> dict[str, float]:
    """Return params, macs and sparsity of a network under their logged names."""
    return {
        "params": float(count_parameters(network.model)),
        "macs": float(count_macs(network.model)),
        "sparsity": total_sparsity(network.model),
    }


def clips_per_test_video(network: Network, dataset: PreparedDataset) -> float:
    """Return how many clips a test video is cut into for a network, the mean."""
    return network.card.protocol.mean_clips(video.n_frames for video in dataset.videos("test"))


def video_cost(network: Network, clips_per_video: float) -> dict[str, float]:
    """Return clips and multiply-accumulates of a test video under their logged names."""
    macs = count_macs(network.model) * clips_per_video
    return {"clips_per_video": clips_per_video, "macs_per_video": macs}


def largest_class_share(dataset: PreparedDataset) -> float:
    """Return the accuracy (0..1) of always naming the test videos' most frequent class."""
    labels = Counter(record.label for record in dataset.videos("test"))
    return max(labels.values()) / labels.total()


def _other_clips(network: Network, dense: Network, dataset: PreparedDataset) -> str:
    """Return a sentence on the clips of two networks; "" where they are the same."""
    if network.card.protocol == dense.card.protocol:
        return ""
    own, others = (
        f"{each.card.protocol.text}, {clips_per_test_video(each, dataset):.2f} a video"
        for each in (network, dense)
    )
    return f" It was asked about clips of {own}, the dense network about {others}."


def _write_tree(
    network: Network, dataset: PreparedDataset, scores: VideoScores, results: Path
) -> Path:
    videos = [record.id for record in dataset.videos("test")]
    found = Results(
        # Contents of videos are no option that anybody reads.
        options={k: v for k, v in network.card.as_metadata().items() if k != "train_videos"},
        predictions=results_of(scores.scores, videos=videos, labels=dataset.labels),
        top1=scores.video_topk(1),
        top5=scores.video_topk(5),
    )
    return write_results(results, network.card.method, today=datetime.date.today(), found=found)
