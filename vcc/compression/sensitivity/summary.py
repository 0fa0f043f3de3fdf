"""The summary CSV (Name,Type,Sparsity): a sparsity per layer, and the schedule it means."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from vcc.compression.schedule.edits import act, define
from vcc.compression.schedule.epochs import epoch_list, epoch_range
from vcc.compression.schedule.schedule import Component, Schedule
from vcc.compression.schedule.selectors import NameResolver
from vcc.errors import ScheduleError, nearest
from vcc.spreadsheet import CsvWriter, plain_cell

COLUMNS = ("Name", "Type", "Sparsity")
GROUPS = ("element", "filter")
_PRUNED_TYPES = ("Conv1d", "Conv2d", "Conv3d", "Linear")
# as the shipped schedules of the same kind: ramp or prune, then fine-tune at a falling rate
_PRUNE_UNTIL = {"element": 6, "filter": 5}
_END = 8


@dataclass(frozen=True)
class SummaryRow:
    """One layer: dotted module name, class name, share of its weights or filters to prune, 0..1."""

    name: str
    type: str
    sparsity: float


def summary_rows(model: nn.Module, proposal: Mapping[str, float]) -> list[SummaryRow]:
    """Return a row per layer of a proposal (weight name -> sparsity)."""
    rows = []
    for weight, sparsity in proposal.items():
        name = weight.removesuffix(".weight")
        rows.append(SummaryRow(name, type(model.get_submodule(name)).__name__, sparsity))
    return rows


def summary_csv(rows: Iterable[SummaryRow]) -> str:
    """Return rows as CSV with the header Name,Type,Sparsity."""
    out = io.StringIO()
    writer = CsvWriter(out)
    writer.writerow(COLUMNS)
    writer.writerows((row.name, row.type, f"{row.sparsity:.10g}") for row in rows)
    return out.getvalue()


def read_summary(path: Path) -> list[SummaryRow]:
    """Read a summary; columns beside the three, as `layers.csv` of a training has, are ignored.

    Raises:
        ScheduleError: unreadable, a column or a value missing, a sparsity outside 0..1, a layer
            twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = csv.DictReader(io.StringIO(text), skipinitialspace=True, strict=True)
        columns = [str(column).strip() for column in table.fieldnames or ()]
        table.fieldnames = columns
        lines = list(table)
    except FileNotFoundError:
        msg = f"{path}: no such summary; `mlflow run . -e sensitivity` writes one"
        raise ScheduleError(msg) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: cannot read the summary: {error}"
        raise ScheduleError(msg) from error
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        msg = (
            f"{path}: no column {', '.join(missing)}: a summary begins with {','.join(COLUMNS)} "
            f"({nearest(missing[0], columns)})"
        )
        raise ScheduleError(msg)
    rows: dict[str, SummaryRow] = {}
    for number, line in enumerate(lines, 2):
        row = _row(line, where=f"{path}:{number}")
        if row.name in rows:
            msg = f"{path}:{number}: {row.name!r} appears twice: leave one row per layer"
            raise ScheduleError(msg)
        rows[row.name] = row
    return list(rows.values())


def _row(line: Mapping[str, str | None], *, where: str) -> SummaryRow:
    name, kind, text = (plain_cell((line.get(column) or "").strip()) for column in COLUMNS)
    try:
        sparsity = float(text)
    except ValueError:
        sparsity = float("nan")
    if not name or not 0 <= sparsity <= 1:
        what = f"Sparsity {text!r} of {name!r} is not a share from 0 to 1" if name else "no Name"
        msg = f"{where}: {what}: correct the row"
        raise ScheduleError(msg)
    return SummaryRow(name.removesuffix(".weight"), kind, sparsity)


def summary_schedule(
    rows: Sequence[SummaryRow],
    model: nn.Module,
    *,
    group: str,
    filter_groups: Sequence[tuple[str, ...]] = (),
    source: str = "summary",
) -> Schedule:
    """Return the schedule that prunes each layer to its sparsity and fine-tunes.

    Convolutions and linear layers are pruned; rows of other types and of sparsity 0 say nothing.
    Elements: each layer to its level, at once, held while training goes on. Filters: a ramp to each
    layer's share, then the channels leave. Filters that must go together (a residual stream) are
    ranked together, and pruned by the least that any of them was given.

    Args:
        rows: of the summary.
        model: the network that they name the layers of.
        group: element or filter.
        filter_groups: weights whose filters go together; see `channels.graph.filter_groups`.
        source: where the rows come from, for messages.

    Raises:
        ScheduleError: a layer that the network has not, or nothing to prune.
    """
    wanted = {
        f"{row.name}.weight": row.sparsity
        for row in rows
        if row.type in _PRUNED_TYPES and row.sparsity > 0
    }
    resolver = NameResolver(model)
    problems = [problem for name in wanted for problem in resolver.names([name])[1]]
    if problems:
        msg = f"{source}: {'; '.join(problems)}"
        raise ScheduleError(msg)
    sparsity = {resolver.names([name])[0][0]: value for name, value in wanted.items()}
    pruners = _element_pruners(sparsity) if group == "element" else []
    if group == "filter":
        pruners = _filter_pruners(sparsity, filter_groups)
    if not pruners:
        msg = (
            f"{source}: nothing to prune: no {' or '.join(_PRUNED_TYPES)} has a Sparsity above 0"
            f"{' that its whole group of filters shares' if sparsity else ''}"
        )
        raise ScheduleError(msg)
    return _schedule(pruners, group)


def _element_pruners(sparsity: Mapping[str, float]) -> list[Component]:
    if not sparsity:
        return []
    return [define("pruners", "levels", "SparsityLevelParameterPruner", levels=sparsity)]


def _filter_pruners(
    sparsity: Mapping[str, float], groups: Sequence[tuple[str, ...]]
) -> list[Component]:
    by_share: dict[float, list[str]] = {}
    for members in groups or [(name,) for name in sparsity]:
        share = min(sparsity.get(name, 0.0) for name in members)
        if share > 0:
            by_share.setdefault(share, []).extend(members)
    return [
        define(
            "pruners",
            f"filters_{f'{100 * share:.10g}'.replace('.', '_')}",
            "L1RankedStructureParameterPruner_AGP",
            initial_sparsity=0.0,
            final_sparsity=share,
            group_type="Filters",
            **({"group_dependency": "Coupled"} if groups else {}),
            weights=names,
        )
        for share, names in sorted(by_share.items())
    ]


def _schedule(pruners: Sequence[Component], group: str) -> Schedule:
    until = _PRUNE_UNTIL[group]
    parts = list(pruners)
    policies = [act("pruner", pruner.name, epoch_range(0, until)) for pruner in pruners]
    if group == "filter":
        remover = {"thinning_func_str": "remove_filters"}
        parts.append(define("extensions", "thinner", "FilterRemover", **remover))
        policies.append(act("extension", "thinner", epoch_list([until])))
    steps: dict[str, Any] = {"milestones": [5, 7], "gammas": [0.5, 0.2]}
    parts.append(define("lr_schedulers", "decay", "MultiStepMultiGammaLR", **steps))
    policies.append(act("lr_scheduler", "decay", epoch_range(0, _END)))
    return Schedule(tuple(parts), tuple(policies), version=1)
