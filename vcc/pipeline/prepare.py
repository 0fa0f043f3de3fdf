"""The prepare step: videos to a prepared data set, recorded as the run's input."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
from pathlib import Path

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare
from vcc.data.store.pictures import class_balance, contact_sheet
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.notes import prepared_note
from vcc.tracking.runs import Run

_logger = logging.getLogger(__name__)


def prepare_step(options: PrepareOptions, run: Run) -> PreparedDataset:
    """Prepare the videos, log what came of it, and open the result.

    Raises:
        DataError: the videos or their annotation cannot be used.
    """
    report = prepare(below_root(options))
    for line in report.lines():
        _logger.info("%s", line)
    run.log_text("\n".join(report.lines()) + "\n", "prepare_report.txt")
    dataset = PreparedDataset.open(report.root)
    log_dataset(run, dataset, context="prepare")
    run.log_resolved({"store": dataset.manifest.store})
    run.log_metrics(
        {f"videos_{subset}": len(dataset.videos(subset)) for subset in ("train", "dev", "test")}
    )
    run.describe(prepared_note(dataset))
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder)
        contact_sheet(dataset, pictures / "contact_sheet.png")
        class_balance(dataset, pictures / "class_balance.png")
        run.log_file(pictures)
    return dataset


def log_dataset(run: Run, dataset: PreparedDataset, *, context: str) -> None:
    """Record a prepared data set as a run's input."""
    run.log_dataset(name=dataset.name, root=dataset.root, digest=dataset.digest, context=context)
    run.set_tags({"split": str(dataset.split)})


def below_root(options: PrepareOptions) -> PrepareOptions:
    """Return options whose videos and annotation are where they lie.

    The thesis gives paths relative to its root_path.
    """
    return dataclasses.replace(
        options,
        videos=_found(options.videos, options.root_path),
        annotation=_found(options.annotation, options.root_path),
    )


def _found(path: Path | None, root: Path) -> Path | None:
    if path is not None and not path.exists() and (root / path).exists():
        return root / path
    return path
