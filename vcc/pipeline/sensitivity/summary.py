"""From a summary CSV to the schedule file that `compress` runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from vcc.compression.channels.graph import filter_groups
from vcc.compression.channels.trace import trace_channels
from vcc.compression.schedule.shipped import find_schedule
from vcc.compression.sensitivity.summary import SummaryRow, read_summary, summary_schedule
from vcc.config.compression import CompressionOptions
from vcc.errors import ConfigError, ScheduleError
from vcc.files import write_whole
from vcc.pipeline.card import Network

_PRUNING = {"ep", "kd"}


def schedule_of_options(network: Network, options: CompressionOptions) -> Path | None:
    """Return the schedule that the options give, as a file or by a summary; None for neither.

    Raises:
        ConfigError: both are given, or a summary with a compression type that does not prune.
        ScheduleError: the summary does not fit the network.
    """
    if options.summary_path is None:
        return options.schedule and find_schedule(options.schedule)
    if options.schedule is not None:
        msg = "summary_path and schedule are both given: the summary makes a schedule; leave one"
        raise ConfigError(msg)
    others = [kind for kind in options.compression_type if kind not in _PRUNING]
    if others:
        msg = (
            f"compression_type: {','.join(others)} is not what a summary says: summary_path "
            "prunes (ep, with kd beside it); give the rest as a schedule"
        )
        raise ConfigError(msg)
    rows = read_summary(options.summary_path)
    return write_schedule(network, rows, options.summary_path, group=options.summary_group)


def write_schedule(
    network: Network, rows: Sequence[SummaryRow], summary: Path, *, group: str
) -> Path:
    """Write the schedule that a summary means beside it, as NAME.element.yaml or NAME.filter.yaml.

    Raises:
        ScheduleError: the rows do not fit the network, or the file cannot be written.
    """
    groups = []
    if group == "filter":
        clip = torch.zeros(2, *network.card.clip_shape)
        groups = filter_groups(network.model, trace_channels(network.model, clip))
    schedule = summary_schedule(
        rows, network.model, group=group, filter_groups=groups, source=str(summary)
    )
    path = summary.with_name(f"{summary.stem}.{group}.yaml")
    head = (
        f"# made from {summary.name} for {network.card.arch}, and again whenever that is given as\n"
        "# summary_path: copy it before you change it, and run the copy by schedule=FILE\n"
    )
    write_text(path, head + schedule.to_yaml())
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        ScheduleError: it cannot be written.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}: choose another summary_path"
        raise ScheduleError(msg) from error
