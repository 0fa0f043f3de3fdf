"""A study's cell on changed test videos: worse recordings, or one still frame of each clip."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from vcc.config.yaml_files.study_matrix import DENSE, Cell, StudyMatrix
from vcc.data.store.perturbed import PERTURBATIONS, PerturbedDataset
from vcc.evaluation.study.results import CellResult
from vcc.evaluation.study.robustness import Answers, Condition
from vcc.pipeline.evaluate.inference import classify_with_session, score_subset
from vcc.pipeline.export.sessions import scratch_folder
from vcc.pipeline.study.files import open_exported
from vcc.pipeline.study.place import StudyPlace
from vcc.pipeline.study.times import networks_of
from vcc.tracking.runs import Run


def has_conditions(result: CellResult, cell: Cell, matrix: StudyMatrix) -> bool:
    """Return whether a cell is scored on every change of the videos that its matrix asks for."""
    return set(matrix.conditions(cell)) <= set(result.perturbed)


def add_conditions(result: CellResult, cell: Cell, place: StudyPlace, run: Run) -> CellResult:
    """Return a cell's result with the answers that it lacks, of the exported file."""
    network = list(networks_of(cell, place, run).values())[-1]
    answers = dict(result.perturbed)
    with scratch_folder() as folder:
        session = open_exported(network, folder / "changed.onnx")
        for name in place.matrix.conditions(cell):
            if name not in answers:
                scores = score_subset(
                    classify_with_session(session),
                    PerturbedDataset(place.dataset_of(cell), PERTURBATIONS[name]),
                    network.card.protocol,
                    subset="test",
                    n_threads=place.n_threads,
                )
                answers[name] = scores.right()
    return dataclasses.replace(result, perturbed=answers)


def conditions_of(results: Sequence[CellResult]) -> list[Condition]:
    """Return every model and method on every change of the videos that its cells were scored on."""
    groups: dict[tuple[str, str], list[CellResult]] = {}
    for result in results:
        groups.setdefault((result.model, result.method), []).append(result)
    found = []
    for (model, method), group in groups.items():
        others = {} if method == DENSE else {r.repeat: r for r in groups.get((model, DENSE), [])}
        for name in PERTURBATIONS:
            there = [result for result in group if name in result.perturbed]
            if there:
                found.append(_condition(name, there, others))
    return found


def _condition(
    name: str, group: Sequence[CellResult], others: Mapping[str, CellResult]
) -> Condition:
    dense = [others[r.repeat] for r in group if r.repeat in others]
    paired = len(dense) == len(group) and all(name in other.perturbed for other in dense)
    return Condition(
        network=f"{group[0].model} {group[0].method}",
        text=PERTURBATIONS[name].text,
        own=_answers(name, group),
        dense=_answers(name, dense) if paired else None,
        groups=[result.groups for result in group],
    )


def _answers(name: str, group: Sequence[CellResult]) -> Answers:
    return Answers(
        plain=[result.right for result in group],
        changed=[result.perturbed[name] for result in group],
    )
