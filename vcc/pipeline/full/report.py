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
from vcc.export.layer_profile import Profile, profile_table
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.artifacts import Scored, write_comparison
from vcc.pipeline.full.layer_pictures import draw_layers
from vcc.pipeline.tags import lineage_tags
from vcc.tracking.provenance import provenance_tags
from vcc.tracking.runs import Run
from vcc.tracking.views import find_artifact, measured_runs

_SENSITIVITY = "sensitivity.png"
_FLIPS = "Videos whose answer changed"

# File, title and caption in the order of the page; what was not made is left out.
_PICTURES = (
    (
        "pareto.png",
        "Accuracy and cost",
        "Accuracy, latency and size of the exported files of this experiment: dense and compressed "
        "are this run's, others have their network's name. Times of different runs were taken at "
        "different moments.",
    ),
    ("weights.png", "Weights of each layer", "Weights of each layer, dense and compressed."),
    (
        "sparsity.png",
        "What became of the weights",
        "What became of each layer's weights: gone with their channels, or zero.",
    ),
    (
        _SENSITIVITY,
        "Sensitivity of each layer",
        "Dev accuracy with one layer alone pruned, from the newest analysis of this network in "
        "the experiment.",
    ),
    (
        "reliability.png",
        "Calibration",
        "Calibration of the video scores, dense and compressed. Neighbouring bins are one point "
        "where they hold few videos; bars are 95 % intervals.",
    ),
    (
        "per_class_change.png",
        "Accuracy of each class",
        "Accuracy of the classes, dense and compressed, the largest loss first.",
    ),
    ("confusion.png", "Confusion matrix", "Confusion matrix of the compressed network."),
)


@dataclass(frozen=True, kw_only=True)
class PageSection:
    """A part of the page: its title, then a table, lines of a file or pictures.

    Attributes:
        title: above it, and in the table of contents.
        text: a sentence; "" for none.
        pictures: caption and base64 PNG of each.
        rows: of a table, the first its header.
        lines: of a file, shown as they are.
        small: the pictures are shown beside each other.
    """

    title: str
    text: str = ""
    pictures: Sequence[Mapping[str, str]] = ()
    rows: Sequence[Sequence[str]] = ()
    lines: Sequence[str] = ()
    small: bool = False


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A network of the pipeline, its test scores, its column of the table and its layers' times.

    There are no times where the runtime does not show its layers.
    """

    network: Network
    scored: Scored
    variant: Variant
    profile: Profile | None


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
            sections=[*_sections(folder), *_layer_times(dense, compressed)],
            facts=facts,
        )
        (folder / "report.html").write_text(page, encoding="utf-8")
        run.log_file(folder, "report")


def render(
    *,
    title: str,
    summary: str,
    rows: Sequence[Sequence[str]],
    sections: Sequence[PageSection],
    facts: Mapping[str, str],
) -> str:
    """Return the page; everything given is text and is escaped."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("report.html.j2").render(
        title=title, summary=summary, rows=rows, sections=sections, facts=facts
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
        for made in measured_runs(run.experiment_id, data_digest=dataset.digest, parent=run.run_id)
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


def _layer_times(dense: Compared, compressed: Compared) -> list[PageSection]:
    found = {each.variant.name: each.profile for each in (dense, compressed)}
    profiles = {name: profile for name, profile in found.items() if profile is not None}
    if not profiles:
        return []
    runtimes = ", ".join(f"{name} in {profile.runtime}" for name, profile in profiles.items())
    text = f"Median milliseconds of each layer for one clip: {runtimes}."
    return [PageSection(title="Time of each layer", text=text, rows=profile_table(profiles))]


def _sections(folder: Path) -> list[PageSection]:
    found = [
        PageSection(title=title, pictures=[embedded(folder / name, caption)])
        for name, title, caption in _PICTURES
        if (folder / name).is_file()
    ]
    flips = [
        embedded(path, f"A video that was {path.stem.split('_')[1]}: frames, and both answers.")
        for path in sorted((folder / "flips").glob("*.png"))
    ]
    return [*found, PageSection(title=_FLIPS, pictures=flips, small=True)] if flips else found


def embedded(path: Path, caption: str) -> dict[str, str]:
    """Return a picture's file as a section of the page takes it."""
    return {"caption": caption, "data": base64.b64encode(path.read_bytes()).decode()}
