"""How a finding is told, and that the commands that mend are ones a shell takes."""

from __future__ import annotations

import shlex

from registry_toys import BASE, ToyRegistry

from vcc.pipeline.doctor.finding import (
    Finding,
    alias_command,
    delete_command,
    export_command,
    promote_command,
)
from vcc.pipeline.next_command import entry_command


def test_a_finding_says_what_where_and_what_mends_it() -> None:
    finding = Finding(where="models:/x/1", what="is gone", mend="do this")
    assert finding.lines() == ["wrong   models:/x/1: is gone", "        mend: do this"]
    remark = Finding(where="x", what="goes on", mend="wait", broken=False)
    assert remark.lines()[0] == "remark  x: goes on"


def test_commands_are_quoted_for_a_shell() -> None:
    command = entry_command("train", {"dataset": "two words", "n_epochs": 3})
    assert shlex.split(command)[-4:] == ["-P", "dataset=two words", "-P", "n_epochs=3"]
    assert export_command("models:/x/1").endswith(
        "-e export --env-manager local -P source=models:/x/1"
    )
    assert promote_command("x", 3).endswith("-P name=x -P version=3")


def test_commands_of_the_client_do_what_they_say(toy: ToyRegistry) -> None:
    for command in (
        delete_command(toy.read().forms["-onnx"][3]),
        alias_command(BASE, "previous", None),
        alias_command(f"{BASE}-video", "previous", 3),
    ):
        program, flag, code = shlex.split(command)
        assert (program, flag) == ("python", "-c")
        exec(code, {})
    registration = toy.read()
    assert set(registration.forms["-onnx"]) == {1, 2}
    assert ("", "previous") not in registration.aliases
    assert registration.aliases["-video", "previous"] == 3
