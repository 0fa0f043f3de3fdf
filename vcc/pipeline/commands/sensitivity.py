"""The sensitivity command: how much each layer can be pruned, or clips be reduced."""

from __future__ import annotations

from vcc.cli import say
from vcc.config.entrypoints import SensitivityEntry
from vcc.errors import ConfigError
from vcc.pipeline.next_command import next_command
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.sensitivity.analysis import levels_of
from vcc.pipeline.sensitivity.clip_step import clip_sensitivity_step
from vcc.pipeline.sensitivity.progress import show_progress
from vcc.pipeline.sensitivity.step import sensitivity_step
from vcc.pipeline.source import find_source
from vcc.tracking.runs import connect, open_run


def run_sensitivity(options: SensitivityEntry) -> None:
    """Analyse a registered network and write what it proposes.

    Raises:
        ConfigError: the levels are empty, or summary_path is a folder.
        DataError: nothing is prepared, or it has no dev videos.
        TrackingError: no registered version matches, or several do.
    """
    if options.group != "clip":
        levels_of(options)
    if options.summary_path.is_dir():
        msg = f"summary_path: {options.summary_path} is a folder: name a file in it"
        raise ConfigError(msg)
    connect()
    source = find_source(options, alias=None if options.source else "baseline")
    card = source.network.card
    name = options.run_name or f"sensitivity of {card.arch} by {options.group}"
    with open_run(name, step="sensitivity", options=options) as run:
        log_dataset(run, source.dataset, context="dev")
        if options.group == "clip":
            written = clip_sensitivity_step(
                source.network, source.dataset, options, run=run, progress=show_progress
            )
        else:
            written = sensitivity_step(source.network, source.dataset, options, run=run)
    for path in written:
        say(f"wrote {path.resolve()}")
    if written[-1].suffix == ".yaml":
        say(_next_command(options))


def _next_command(options: SensitivityEntry) -> str:
    given = {"model": options.model, "summary_path": str(options.summary_path)}
    if options.source is not None:
        given = {"source": options.source, "summary_path": str(options.summary_path)}
    if options.group != "element":
        given["summary_group"] = options.group
    return next_command("compress", given, options)
