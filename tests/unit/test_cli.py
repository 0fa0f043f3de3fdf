"""The command line: strict, never abbreviated, one line per error."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import run_command
from limits import HANG_S

from vcc import signals
from vcc.cli import format_value, parse_options, run_entry_point
from vcc.config.options import Options, option
from vcc.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Sample(Options):
    """One option of each kind."""

    epochs: int = option(3, "how many", at_least=1)
    rate: float = option(0.5, "how fast; 50 % by default", above=0)
    steps: tuple[int, ...] = option((1, 2), "when")
    videos: Path | None = option(None, "where")
    no_cuda: bool = option(False, "whether")


def parse(*words: str) -> Sample:
    return parse_options(Sample, words, program="sample")


def test_nothing_given_is_the_defaults() -> None:
    assert parse() == Sample()


def test_an_empty_value_is_the_default() -> None:
    assert parse("--epochs", "", "--videos", "", "--steps", "", "--no_cuda", "") == Sample()


def test_values_are_converted() -> None:
    assert parse("--epochs", "7", "--rate", "1e-3", "--steps", "[4, 5]", "--videos", "a b") == (
        Sample(epochs=7, rate=0.001, steps=(4, 5), videos=Path("a b"))
    )
    assert parse("--steps", "4,5").steps == (4, 5)
    assert parse("--epochs", "7.0").epochs == 7


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--no_cuda",), True),
        (("--no_cuda", "true"), True),
        (("--no_cuda", "True"), True),
        (("--no_cuda", "false"), False),
        (("--no_cuda", "0"), False),
    ],
)
def test_flags_stand_alone_or_take_a_value(words: tuple[str, ...], expected: bool) -> None:
    assert parse(*words).no_cuda is expected


def test_the_thesis_names_are_aliases() -> None:
    assert parse("--video_path", "x").videos == Path("x")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--epoch", "5"), r"unknown option 'epoch': did you mean epochs\?"),
        (("--epochs", "five"), "epochs: 'five' is not a whole number"),
        (("--epochs", "1.5"), "epochs: '1.5' is not a whole number"),
        (("--epochs", "0"), "epochs: 0 is out of range: it must be at least 1"),
        (("--rate", "nan"), "rate: 'nan' is not a number"),
        (("--rate", "inf"), "rate: 'inf' is not a number"),
        (("--steps", "1,x"), "steps: '1,x' is not a list of whole numbers"),
        (("--steps", "[" * 5000), "is not a list of whole numbers"),
        (("--no_cuda", "maybe"), "no_cuda: 'maybe' is not true or false"),
        (("--videos", "~no-such-user/a"), "videos: '~no-such-user/a' is not a path"),
        (("stray",), "unexpected word 'stray'"),
        (("--epoch", "5", "--rat", "1"), "unknown option 'epoch'.*; unknown option 'rat': did you"),
        (("--store_name", "x"), "store_name: not an option any more: MLflow names runs"),
        (("--modality", "Flow"), "modality: 'Flow' is refused: only RGB videos are read"),
        (("--kd_teacher_wt", "0.2"), "kd_teacher_wt: '0.2' is refused"),
        (("--epochs",), "expected one argument"),
    ],
)
def test_a_mistake_is_one_clear_line(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(*words)


def test_settled_options_change_nothing() -> None:
    assert parse("--modality", "RGB", "--compress", "--kd_teacher_wt", "0") == Sample()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), ((1, 2), "[1, 2]"), (0.001, "0.001"), (Path("a"), "a")],
)
def test_values_are_written_as_they_are_read(value: object, text: str) -> None:
    assert format_value(value) == text


def test_an_entry_point_ends_with_one_line_and_an_exit_code(tmp_path: Path) -> None:
    done = run_command(
        [sys.executable, "-m", "entrypoints.train", "--n_epoch", "3"],
    )
    assert done.returncode == ConfigError.exit_code
    assert done.stderr.strip() == "error: unknown option 'n_epoch': did you mean n_epochs?"
    assert done.stdout == ""


def run_script(body: str, *, reader_goes_away: bool = False) -> tuple[int, str]:
    """Run an entry point whose work is `body`; return exit code and standard error."""
    script = (
        "import errno, os\n"
        "from vcc.cli import run_entry_point, say\n"
        "from vcc.config.entrypoints import DoctorEntry\n"
        f"def main(options):\n    {body}\n"
        "run_entry_point(DoctorEntry, main, name='doctor')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    if reader_goes_away:
        process.stdout.close()
    printed = process.stderr.read()
    code = process.wait(HANG_S)
    process.stderr.close()
    process.stdout.close()
    return code, printed


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    endless = "while True: say('line')"
    assert run_script(endless, reader_goes_away=True) == (1, "")


def test_another_broken_pipe_is_not_hidden() -> None:
    """A worker's pipe, say: that is a defect, and its traceback is needed."""
    code, printed = run_script("raise BrokenPipeError(errno.EPIPE, 'a worker is gone')")
    assert code == 1
    assert "Traceback" in printed
    assert "a worker is gone" in printed


def test_a_full_disk_is_one_clear_line() -> None:
    code, printed = run_script("raise OSError(errno.ENOSPC, 'No space left', '/data/file')")
    assert code == 1
    assert printed == (
        "error: /data/file: cannot be written (No space left): make room, or give another folder, "
        "then run the same command again\n"
    )
    code, printed = run_script("raise PermissionError(errno.EACCES, 'denied')")
    assert "Traceback" in printed


def test_a_path_that_cannot_be_is_one_clear_line() -> None:
    code, printed = run_script("open('x' * 300, 'w')")
    assert code == 1
    assert printed.startswith("error: xxx")
    assert printed.endswith(
        ": File name too long: give another path, or change who may use it, then run the same "
        "command again\n"
    )
    # What is missing may be our own fault.
    code, printed = run_script("open('not/there')")
    assert "Traceback" in printed


def test_a_run_that_mlflow_made_is_told_of_a_wrong_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "vcc.tracking.runs.tag_error", lambda run, why: told.append((run, str(why)))
    )
    monkeypatch.setattr(signals, "stop_on_signals", lambda: None)
    monkeypatch.setattr(sys, "argv", ["train", "--epoch", "5"])
    monkeypatch.setenv("MLFLOW_RUN_ID", "f00")

    with pytest.raises(SystemExit):
        run_entry_point(Sample, pytest.fail, name="sample")

    assert told == [("f00", "unknown option 'epoch': did you mean epochs?")]
    assert "error: unknown option" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "videos", "warned"),
    [("tmpab12", "here", True), ("tmpab12", "/elsewhere", False), ("clone", "here", False)],
)
def test_who_writes_into_a_temporary_clone_is_warned(
    folder: str,
    videos: str,
    warned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("vcc.cli._WRITTEN_TO", ("videos",))
    monkeypatch.setattr(signals, "stop_on_signals", lambda: None)
    monkeypatch.setattr(sys, "argv", ["prepare", "--videos", videos])
    monkeypatch.setenv("MLFLOW_RUN_ID", "f00")
    seen: list[Sample] = []

    run_entry_point(Sample, seen.append, name="sample")

    assert [each.videos for each in seen] == [Path(videos)]
    assert [message.endswith("absolute paths for videos") for message in caplog.messages] == (
        [True] if warned else []
    )
