"""The command line: strict, never abbreviated, one line per error."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from vcc.cli import format_value, parse_options
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
        (("--no_cuda", "maybe"), "no_cuda: 'maybe' is not true or false"),
        (("stray",), "unexpected word 'stray'"),
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
    done = subprocess.run(
        [sys.executable, "-m", "entrypoints.train", "--n_epoch", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ConfigError.exit_code
    assert done.stderr.strip() == "error: unknown option 'n_epoch': did you mean n_epochs?"
    assert done.stdout == ""
