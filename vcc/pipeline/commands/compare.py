"""The compare command: one page of every registered version, in a file and in the run."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

from vcc.cli import say
from vcc.config.entrypoints import CompareEntry
from vcc.errors import ConfigError
from vcc.files import write_whole
from vcc.pipeline.compare.page import compare_page, summary_of
from vcc.pipeline.compare.pair import choose_pair
from vcc.pipeline.compare.versions import find_compared
from vcc.tracking.provenance import provenance_tags
from vcc.tracking.runs import connect, open_run

_LOGGED = "compare.html"


def run_compare(options: CompareEntry) -> None:
    """Write the page that compares versions, and log it.

    Raises:
        ConfigError: output is a folder.
        TrackingError: there are no such versions.
    """
    if options.output.is_dir():
        msg = f"output: {options.output} is a folder: name an HTML file in it"
        raise ConfigError(msg)
    uri = connect()
    compared = find_compared(name=options.name, experiment=options.experiment)
    change = choose_pair(compared, before=options.before, after=options.after)
    what = options.name or (f"experiment {options.experiment}" if options.experiment else "")
    title = f"Versions of {what}" if what else "Registered versions"
    with open_run(
        options.run_name or f"compare {what}".strip(), step="compare", options=options
    ) as run:
        page = compare_page(
            compared,
            title=title,
            change=change,
            facts={
                "made on": datetime.date.today().isoformat(),
                "registry": uri,
                "run": run.run_id,
                **provenance_tags(),
            },
        )
        with tempfile.TemporaryDirectory() as made:
            logged = Path(made) / _LOGGED
            logged.write_text(page, encoding="utf-8")
            run.log_file(logged, "report")
        run.describe(summary_of(compared))
        write_whole(options.output, page)
    say(summary_of(compared))
    if change is not None:
        say(f"looked at closely: {change.title}")
    say(f"wrote {options.output.resolve()}")
