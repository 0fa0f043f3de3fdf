"""What stays of an exported file: a copy, and a bundle with its model card."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from vcc.config.export import BUNDLES
from vcc.errors import ExportError
from vcc.evaluation.intervals import wilson_interval
from vcc.export.bundles.base import Bundle
from vcc.export.doctor import cpu_name
from vcc.export.onnx_file import inspect_file
from vcc.export.served_facts import served_facts
from vcc.files import replacing
from vcc.pipeline.export.record import Exported
from vcc.pipeline.tags import lineage_tags

CARD_FILE = "README.md"


def find_bundle(name: str, folder: Path) -> Bundle:
    """Return the bundle of a name, before anything slow is begun.

    Raises:
        ExportError: there is none of that name, or its folder is there already.
    """
    cls = BUNDLES.get(name)
    if not issubclass(cls, Bundle):
        msg = f"bundle {name}: {cls.__qualname__} is no subclass of vcc.export.bundles.base's"
        raise ExportError(msg)
    if folder.exists():
        msg = f"output: {folder} is there already: delete it, or give another output"
        raise ExportError(msg)
    return cls()


def write_bundle(bundle: Bundle, made: Exported, folder: Path, *, version: str) -> Path:
    """Write a bundle of a file with its model card, whole or not at all, and return its folder.

    Args:
        bundle: which one.
        made: the file and what was measured on it.
        folder: where it goes; it is made.
        version: of the registered file.

    Raises:
        ExportError: the file cannot be had in this form.
    """
    target = inspect_file(made.path).quant_target
    if target is not None and target not in bundle.int8_targets:
        msg = f"bundle: integers made for {target} cannot be had as {bundle.title}"
        raise ExportError(msg)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Of its own: another export may be writing the same bundle.
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        partial.chmod(0o755)
        bundle.write(made.path, served_facts(made.path), partial)
        card = model_card(made, bundle=bundle, version=version)
        (partial / CARD_FILE).write_text(card, encoding="utf-8")
        partial.rename(folder)
    except OSError as error:
        if not folder.exists():
            raise
        msg = f"output: {folder} was made by somebody else meanwhile: give another output"
        raise ExportError(msg) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def keep_file(path: Path, destination: Path) -> Path:
    """Copy an exported file to where it stays, whole or not at all, and return that path."""
    with replacing(destination) as partial:
        shutil.copyfile(path, partial)
    return destination


def model_card(made: Exported, *, bundle: Bundle, version: str) -> str:
    """Return what the network is, what it was measured to do and what it is not for (Markdown)."""
    card = made.network.card
    parts = [
        f"# {card.arch} on {card.dataset}, {card.role}",
        f"A video classifier with {len(card.labels)} classes (`labels.txt`), as {bundle.title}. "
        f"It looks at clips of {card.protocol.text} (frames x height x width).",
        f"## Use\n\n{bundle.usage}",
        f"## Data\n\n{card.dataset}, {card.split}, digest `{card.data_digest}`.",
        f"## Accuracy\n\n{_accuracy(made)}",
        f"## Latency\n\n{_latency(made)}",
        f"## Limits\n\n{_limits(made)}",
        f"## Where it comes from\n\n{_origin(made, version)}",
        "## Licence\n\nvcc, which made this folder, is under the MIT licence. The weights were "
        f"learned from {card.dataset}: its terms, and those of any weights that the training "
        "began with, say what they may be used for.",
    ]
    return "\n\n".join(parts) + "\n"


def _accuracy(made: Exported) -> str:
    right = round(made.video_top1 * made.test_videos)
    interval = wilson_interval(right, made.test_videos)
    return (
        f"Of {made.test_videos} test videos {right} are named right by the exported ONNX file: "
        f"video top-1 {interval.mean:.1%}, 95 % interval {interval.low:.1%} to {interval.high:.1%} "
        f"(Wilson; it takes the videos for independent). Clip top-1 {made.clip_top1:.1%}."
    )


def _latency(made: Exported) -> str:
    latency = made.latency
    return (
        f"Median {latency.p50_ms:.2f} ms, 95th percentile {latency.p95_ms:.2f} ms, for "
        f"{latency.batch} clip(s) in {latency.runtime} ({latency.precision}) on {cpu_name()}; "
        f"{latency.runs} runs. A test video has {made.clips_per_video:.1f} clips. "
        f"The ONNX file has {made.size_bytes / 1e6:.2f} MB. Decoding is not in these times."
    )


def _limits(made: Exported) -> str:
    lines = [
        "- It gives one of its classes to every video, also where none fits.",
        "- Nothing is known of videos unlike those of the data set.",
        "- Scores are not calibrated.",
    ]
    if made.overflow == "fast":
        lines.append("- Its int8 sums are right on processors with VNNI only (`overflow: fast`).")
    return "\n".join(lines)


def _origin(made: Exported, version: str) -> str:
    card = made.network.card
    facts = {"registered as": version, "compressed by": " + ".join(card.methods)}
    facts |= lineage_tags(card)
    return "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)
