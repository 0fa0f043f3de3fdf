"""The next command can be copied: it names the data, and a shell reads it as it is meant."""

from __future__ import annotations

import shlex
from pathlib import Path

from vcc.config.entrypoints import TrainEntry
from vcc.pipeline.next_command import entry_command, next_command


def test_values_with_blanks_and_quotes_reach_the_entry_point() -> None:
    text = entry_command("train", {"model": "resnet", "videos": "my 'own' clips"})
    assert shlex.split(text)[-2:] == ["-P", "videos=my 'own' clips"]


def test_data_that_are_not_the_default_are_named_again() -> None:
    options = TrainEntry(root_path=Path("elsewhere"), dataset="gym")
    assert next_command("compress", {"model": "csn"}, options) == (
        "next: mlflow run . -e compress --env-manager local -P model=csn "
        "-P root_path=elsewhere -P dataset=gym"
    )


def test_the_default_is_not() -> None:
    said = next_command("evaluate", {"source": "models:/net/1"}, TrainEntry())
    assert said.endswith("local -P source=models:/net/1")
