"""The report of a pipeline run: one HTML file with everything in it, for people without MLflow."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vcc.compression.masks.sparsity import sparsity_table
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.comparison import Variant, clip_sentence, speed_up, table_rows
from vcc.evaluation.plots.cost import CostPoint, pareto_figure
from vcc.evaluation.plots.style import save_figure
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.artifacts import Scored, write_comparison
from vcc.pipeline.full.layer_pictures import draw_layers
from vcc.pipeline.tags import lineage_tags
from vcc.tracking.provenance import provenance_tags
from vcc.tracking.runs import Run
from vcc.tracking.views import find_artifact, measured_runs

_SENSITIVITY = "sensitivity.png"

# In the order of the page; what was not made is left out.
_CAPTIONS = {
    "pareto.png": "Accuracy, latency and size of the exported files of this experiment. Times "
    "of different runs were taken at different moments.",
    "weights.png": "Weights of each layer before and after.",
    "sparsity.png": "What became of each layer's weights: gone with their channels, or zero.",
    _SENSITIVITY: "Sensitivity of each layer: dev accuracy with that layer alone pruned, "
    "from the newest analysis of this network in the experiment.",
    "reliability.png": "Calibration of the video scores, dense and compressed.",
    "per_class_change.png": "Accuracy of each class, dense and compressed.",
    "confusion.png": "Confusion matrix of the compressed network.",
}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A network of the pipeline, its test scores and its column of the table."""

    network: Network
    scored: Scored
    variant: Variant


def summary_of(dense: Variant, compressed: Variant) -> str:
    """Return what came out, in a paragraph."""
    drop = 100 * (dense.video_top1 - compressed.video_top1)
    change = f"{abs(drop):.1f} points {'lower' if drop > 0 else 'higher'}" if drop else "unchanged"
    clips = clip_sentence(dense, compressed)
    return (
        f"The compressed network has {compressed.params:,} of {dense.params:,} parameters and "
        f"{compressed.macs / 1e6:,.1f} of {dense.macs / 1e6:,.1f} million multiply-accumulates a "
        f"clip. On {compressed.test_videos} test videos its top-1 accuracy is "
        f"{compressed.video_top1:.1%}, {change}. Its exported file takes "
        f"{compressed.latency_p50_ms:.2f} ms against {dense.latency_p50_ms:.2f} ms at the median "
        f"on {compressed.runtime}, {speed_up(dense, compressed):.2f} times the speed, both "
        f"measured in turns in this run.{' ' if clips else ''}{clips}"
    )


def log_report(dense: Compared, compressed: Compared, dataset: PreparedDataset, run: Run) -> None:
    """Log the pictures of a pipeline run, and report.html that holds them all."""
    rows = table_rows([dense.variant, compressed.variant])
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_comparison(dense.scored, compressed.scored, dataset, folder)
        _draw_cost(dense.network, compressed.network, dataset, run, folder)
        facts = {
            "data set": f"{dataset.name}, split {dataset.split}, digest {dataset.digest}",
            "network": compressed.network.card.arch,
            "method": compressed.network.card.method,
            **lineage_tags(compressed.network.card),
            "run": run.run_id,
            **provenance_tags(),
        }
        page = render(
            title=f"{compressed.network.card.arch} on {dataset.name}, compressed",
            summary=summary_of(dense.variant, compressed.variant),
            rows=rows,
            pictures=_pictures(folder),
            facts=facts,
        )
        (folder / "report.html").write_text(page, encoding="utf-8")
        run.log_file(folder, "report")


def render(
    *,
    title: str,
    summary: str,
    rows: Sequence[Sequence[str]],
    pictures: Sequence[Mapping[str, str]],
    facts: Mapping[str, str],
) -> str:
    """Return the page; everything given is text and is escaped."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("report.html.j2").render(
        title=title, summary=summary, rows=rows, pictures=pictures, facts=facts
    )


def _draw_cost(
    dense: Network, compressed: Network, dataset: PreparedDataset, run: Run, folder: Path
) -> None:
    points = [
        CostPoint(
            name=made.name,
            video_top1=made.video_top1,
            latency_ms=made.latency_p50_ms,
            size_bytes=made.size_bytes,
            runtime=made.runtime,
        )
        for made in measured_runs(run.experiment_id, data_digest=dataset.digest)
    ]
    if points:
        save_figure(pareto_figure(points), folder / "pareto.png")
    draw_layers(sparsity_table(dense.model), compressed.model, folder)
    find_artifact(
        run.experiment_id,
        f"sensitivity/{_SENSITIVITY}",
        step="sensitivity",
        arch=dense.card.arch,
        data_digest=dataset.digest,
        into=folder,
    )


def _pictures(folder: Path) -> list[dict[str, str]]:
    found = [(folder / name, caption) for name, caption in _CAPTIONS.items()]
    found += [
        (path, f"A video that was {path.stem.split('_')[1]}: frames, and both answers.")
        for path in sorted((folder / "flips").glob("*.png"))
    ]
    return [
        {"caption": caption, "data": base64.b64encode(path.read_bytes()).decode()}
        for path, caption in found
        if path.is_file()
    ]
