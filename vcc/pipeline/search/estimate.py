"""How long a search will take, said before it begins: a few training steps are timed."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from vcc.config.entrypoints import SearchEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.pace import Calibration, calibrate_model
from vcc.pipeline.search.judge import Judge
from vcc.pipeline.search.sensitivity import LEVELS
from vcc.progress import spoken

# Exporting a network and timing its file: assumed, since nothing is exported before the estimate.
_EXPORT_S = 15.0
# Building a candidate and finding its price: a share of what judging it on dev takes, at least.
_BUILD_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds of the parts of a search.

    Attributes:
        curves: of the sensitivity of all groups.
        trial: of one trial that is judged.
        finalist: of one compression in full.
        timing: of the files of all finalists.
    """

    curves: float
    trial: float
    finalist: float
    timing: float

    def total(self, *, trials: int, finalists: int) -> float:
        """Return the seconds of a whole search."""
        return self.curves + trials * self.trial + finalists * self.finalist + self.timing

    def text(self, *, trials: int, finalists: int) -> str:
        """Return it as a line for people."""
        return (
            f"estimate: {spoken(self.total(trials=trials, finalists=finalists))}, if every step "
            f"cost a dense one: sensitivity {spoken(self.curves)}, {trials} trials of "
            f"{spoken(self.trial)}, {finalists} finalists of {spoken(self.finalist)}, exporting "
            f"and timing {spoken(self.timing)}"
        )


def estimate_search(
    dense: Network, dataset: PreparedDataset, judge: Judge, options: SearchEntry, *, n_groups: int
) -> Estimate:
    """Return how long a search will take on this machine, as if each step cost a dense one.

    Args:
        dense: the dense network, which stays as it is.
        dataset: its data.
        judge: of the search.
        options: its sizes.
        n_groups: groups of layers whose sensitivity is measured.
    """
    pace = calibrate_model(
        copy.deepcopy(dense.model),
        dense.card.clip,
        n_classes=len(dataset.labels),
        no_cuda=options.no_cuda,
    )
    return _estimate(pace, dense, dataset, judge, options, n_groups)


def _estimate(  # noqa: PLR0913 - what a search's time depends on
    pace: Calibration,
    dense: Network,
    dataset: PreparedDataset,
    judge: Judge,
    options: SearchEntry,
    n_groups: int,
) -> Estimate:
    per_video = max(1, dense.card.clip.n_val_samples) * pace.classify_s
    dev_s, all_dev_s = judge.n_videos * per_video, len(dataset.videos("dev")) * per_video
    trial_s = options.trial_epochs * len(judge.training_videos) * pace.train_s
    epoch_s = len(dataset.videos("train")) * pace.train_s + all_dev_s
    return Estimate(
        curves=len(LEVELS) * n_groups * (dev_s + _BUILD_S),
        # Judged before and after training.
        trial=2 * dev_s + trial_s + _BUILD_S,
        finalist=options.final_epochs * epoch_s,
        timing=(1 + options.finalists) * _EXPORT_S,
    )
