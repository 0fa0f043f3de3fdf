"""What this machine can run is told line by line, and what must be mended is the error."""

from __future__ import annotations

import pytest

from vcc.errors import ExportError
from vcc.pipeline.commands import doctor as command


def test_findings_are_printed_and_problems_end_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command.doctor, "findings", lambda: [("python", "3.11"), ("gpu", "none")])
    monkeypatch.setattr(command.doctor, "problems", list)
    command.run_doctor()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:2]] == [["python", "3.11"], ["gpu", "none"]]
    # In columns.
    assert len({line.rindex(line.split()[1]) for line in lines[:2]}) == 1
    kinds = [line.split()[:2] for line in lines[2:]]
    assert kinds == [["env-manager", name] for name in ("local", "uv", "conda")]
    monkeypatch.setattr(command.doctor, "problems", lambda: ["two runtimes", "no compiler"])
    with pytest.raises(ExportError, match="^two runtimes; no compiler$"):
        command.run_doctor()
    assert "python" in capsys.readouterr().out
