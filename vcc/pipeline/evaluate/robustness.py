"""A network, and the dense one that it came from, on test videos as worse recordings show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vcc.config.data import PERTURBATIONS as NAMES
from vcc.data.store.manifest import group_numbers
from vcc.data.store.perturbed import PERTURBATIONS, PerturbedDataset
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.comparison import as_markdown
from vcc.evaluation.study.robustness import Answers, Condition, accuracy, robustness_rows
from vcc.pipeline.card import Network
from vcc.tracking.runs import Run

ALL = "all"

# Scores a network on a data set's test videos.
_Score = Callable[[Network, PreparedDataset], VideoScores]


def robustness_step(
    network: Network,
    dataset: PreparedDataset,
    *,
    names: Sequence[str],
    dense: Network | None,
    score: _Score,
    run: Run,
) -> list[list[str]]:
    """Score networks on changed test videos, log what was found, and return header and rows.

    Args:
        network: what is measured.
        dataset: its test videos.
        names: how they are changed, by `vcc.config.data.PERTURBATIONS`, or all of these.
        dense: the network it came from; None if there is none, or it is that itself.
        score: scores a network on a data set's test videos.
        run: takes the table and the figures.
    """
    networks = {"own": network} if dense is None else {"own": network, "dense": dense}

    def right(videos: PreparedDataset) -> dict[str, str]:
        return {role: score(each, videos).right() for role, each in networks.items()}

    plain, conditions = right(dataset), []
    for name in NAMES if ALL in names else names:
        changed = right(PerturbedDataset(dataset, PERTURBATIONS[name]))
        answers = {role: Answers(plain=[plain[role]], changed=[changed[role]]) for role in networks}
        conditions.append(
            Condition(
                network=network.card.role,
                text=PERTURBATIONS[name].text,
                own=answers["own"],
                dense=answers.get("dense"),
                groups=[group_numbers(dataset.videos("test"))],
            )
        )
        run.log_metrics({f"perturbed_top1.{name}": accuracy([changed["own"]])})
    rows = robustness_rows(conditions, pooled=True)
    run.log_text(as_markdown(rows) + "\n", "evaluation/robustness.md")
    return rows
