"""Whether what a resumed training ended in was registered already, when there was nothing to train.

A training that ended but could not be registered is resumed to register it; one that was registered
gives nothing new.
"""

from __future__ import annotations

from pathlib import Path

from vcc.pipeline.train.resume import Resumption, find_resumption
from vcc.tracking.registry import Version, list_versions

EPOCHS_TAG = "epochs_done"


def epochs_trained(last: Path, resume: Resumption | None) -> int:
    """Return how many epochs a network has behind it.

    Args:
        last: the run's `last.ckpt`; none is written where no epoch was trained.
        resume: the training that it went on with.
    """
    if last.is_file():
        return find_resumption(last).epochs_done
    return resume.epochs_done if resume else 0


def registered_before(resume: Resumption | None, epochs: int) -> Version | None:
    """Return the version that the resumed training was registered as, if nothing was added to it.

    Args:
        resume: the training that was resumed.
        epochs: that are trained now.
    """
    if resume is None or resume.run_id is None or epochs != resume.epochs_done:
        return None
    wanted = {"run_id": resume.run_id, EPOCHS_TAG: str(epochs)}
    fitting = (each for each in list_versions() if wanted.items() <= dict(each.tags).items())
    return next(fitting, None)
