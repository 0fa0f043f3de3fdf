"""What changed from one version to another: figures, schedule, classes, and single videos."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.errors import DataError
from vcc.evaluation.paired import Flip, Paired, compare_paired
from vcc.evaluation.per_class import ClassAccuracy, classes_of
from vcc.evaluation.plots.accuracy import class_change_figure
from vcc.evaluation.plots.style import save_figure
from vcc.evaluation.predictions import Prediction, read_predictions
from vcc.pipeline.compare.versions import ComparedVersion
from vcc.pipeline.full.report import PageSection, embedded
from vcc.tracking.views import artifact_folder, artifact_text

_SCHEDULE = "schedule/effective.yaml"
_PREDICTIONS = "evaluation/predictions.csv"
_FLIPS = "evaluation/flips"
# A page of more is read by nobody; all are in the runs.
_MOST_FLIPS = 60
_MOST_CLASSES = 20


@dataclass(frozen=True, kw_only=True)
class Change:
    """Two versions: what there was, and what it is compared with."""

    before: ComparedVersion
    after: ComparedVersion

    @property
    def title(self) -> str:
        """The two in words."""
        return f"{self.before.name} to {self.after.name}"


def change_sections(change: Change, folder: Path) -> list[PageSection]:
    """Return the parts of the page on two versions.

    Args:
        change: which two.
        folder: for pictures; it exists.
    """
    return [_figures(change), _schedules(change), *_videos(change, folder)]


def _figures(change: Change) -> PageSection:
    both = (change.before, change.after)
    rows = [
        ["", *(each.name for each in both)],
        ["made by", *("training" if each.is_dense else each.stages for each in both)],
        ["video top-1", *(str(each.accuracy or "not evaluated") for each in both)],
        ["parameters", *(_count(each.figure("params")) for each in both)],
        ["MACs per clip", *(_count(each.figure("macs")) for each in both)],
        ["weight sparsity", *(_share(each.figure("sparsity")) for each in both)],
        ["file size, bytes", *(_count(each.file_figure("size_bytes")) for each in both)],
    ]
    return PageSection(title=f"Change: {change.title}", rows=rows)


def _schedules(change: Change) -> PageSection:
    title = "Change: schedule"
    before, after = _schedule_of(change.before), _schedule_of(change.after)
    if not before and not after:
        return PageSection(title=title, text="Neither version was made by a schedule.")
    lines = difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        fromfile=_schedule_name(change.before, before),
        tofile=_schedule_name(change.after, after),
        n=2,
        lineterm="",
    )
    found = list(lines)
    if not found:
        return PageSection(title=title, text="Both were made by the same schedule.")
    text = "Lines that begin with - were taken out, those with + put in: as the runs had them."
    return PageSection(title=title, text=text, lines=found)


def _schedule_of(each: ComparedVersion) -> str:
    """Return the schedule that a version was made by; "" for none."""
    return artifact_text(each.version.tags.get("run_id"), _SCHEDULE) or ""


def _schedule_name(each: ComparedVersion, text: str) -> str:
    return f"{each.name} {each.version.tags.get('schedule', '') if text else '(no schedule)'}"


def _videos(change: Change, folder: Path) -> list[PageSection]:
    title = "Change: classes and videos"
    try:
        before, after = (_predictions_of(each) for each in (change.before, change.after))
        paired = compare_paired(before, after)
    except DataError as error:
        return [PageSection(title=title, text=f"Not compared: {error}.")]
    sections = [_classes(change, classes_of(before), classes_of(after), folder)]
    strips = _strips(change, folder)
    sections.append(
        PageSection(
            title="Change: videos whose answer changed",
            text=_sentence(change, paired),
            rows=_flip_rows(change, paired.flips),
            pictures=strips,
            small=True,
        )
    )
    return sections


def _predictions_of(each: ComparedVersion) -> list[Prediction]:
    text = artifact_text(each.evaluated, _PREDICTIONS)
    if text is None:
        msg = f"{each.name} has no table of predictions: run evaluate for it"
        raise DataError(msg)
    return read_predictions(text, where=f"run {each.evaluated}: {_PREDICTIONS}")


def _classes(
    change: Change, before: Sequence[ClassAccuracy], after: Sequence[ClassAccuracy], folder: Path
) -> PageSection:
    names = change.before.name, change.after.name
    picture = save_figure(
        class_change_figure(before, after, names=names), folder / "class_change.png"
    )
    pairs = [
        (old, new) for old, new in zip(before, after, strict=True) if old.accuracy != new.accuracy
    ]
    pairs.sort(key=lambda pair: -abs(pair[1].accuracy - pair[0].accuracy))
    left_out = len(pairs[_MOST_CLASSES:])
    pairs = sorted(pairs[:_MOST_CLASSES], key=lambda pair: pair[1].accuracy - pair[0].accuracy)
    text = f"{left_out} classes that changed less are left out." if left_out else ""
    rows = [
        [old.label, str(old.videos), f"{old.accuracy:.1%}", f"{new.accuracy:.1%}",
         f"{100 * (new.accuracy - old.accuracy):+.1f}", new.confused_with]
        for old, new in pairs
    ]  # fmt: skip
    header = ["class", "videos", *names, "points", "now most often taken for"]
    return PageSection(
        title="Change: accuracy of each class",
        text=text if rows else "No class changed.",
        rows=[header, *rows] if rows else (),
        pictures=[embedded(picture, "Accuracy of the classes, the largest loss first.")],
    )


def _sentence(change: Change, paired: Paired) -> str:
    chance = "may be chance" if paired.p_value >= 0.05 else "is unlikely to be chance"
    more = len(paired.flips) - _MOST_FLIPS
    rest = f" The {_MOST_FLIPS} surest are shown." if more > 0 else ""
    return (
        f"Of {paired.videos} test videos, {paired.lost} that {change.before.name} had right are "
        f"wrong in {change.after.name}, and {paired.gained} that it had wrong are right (exact "
        f"McNemar p = {paired.p_value:.2g}: a difference that {chance}).{rest}"
    )


def _flip_rows(change: Change, flips: Sequence[Flip]) -> list[list[str]]:
    if not flips:
        return []
    header = ["video", "label", change.before.name, change.after.name, ""]
    return [header, *(_flip_row(flip) for flip in flips[:_MOST_FLIPS])]


def _flip_row(flip: Flip) -> list[str]:
    answers = (f"{each.predicted} {each.score:.2f}" for each in (flip.before, flip.after))
    return [flip.before.video, flip.before.label, *answers, "lost" if flip.lost else "gained"]


def _strips(change: Change, folder: Path) -> list[dict[str, str]]:
    """Return the pictures of flipped videos that the evaluation left, of a version and its parent.

    An evaluation compares with the parent only.
    """
    if change.after.version.tags.get("parent") != change.before.version.uri:
        return []
    files = artifact_folder(change.after.evaluated, _FLIPS, into=folder)
    return [
        embedded(path, f"A video that was {path.stem.split('_')[-1]}: frames, and both answers.")
        for path in files
        if path.suffix == ".png"
    ]


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
