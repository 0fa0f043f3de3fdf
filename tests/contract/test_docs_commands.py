"""Every command of the documentation is run by a test or says why not, and its options are real.

README.md's blocks without a mark are run by tests/e2e/test_readme.py, those marked "long" by
`make test-all`. Everywhere else a block says why it is not run.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from readme_commands import ROOT, blocks_of

from vcc.cli import parse_options
from vcc.config.mlproject import ENTRY_POINTS
from vcc.config.options import field_types, without_none
from vcc.errors import ConfigError

PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md",
         *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))  # fmt: skip
TEXTS = {page: (ROOT / page).read_text("utf-8") for page in PAGES}
MODULES = dict(ENTRY_POINTS.values())
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
COMMANDS = "mlflow|python|make|torchrun|srun|sbatch|docker|curl|pip|dask|export|git"
# What earlier commands write, and published files.
MADE = {"data", "results", "exported", "summary.csv", "predictions.csv", "resnet-18-kinetics.pth",
        "r3d_18-b3b3357e.pth"}  # fmt: skip
_CAPITALS = re.compile(r"[A-Z]{3}")


def commands(text: str) -> list[str]:
    """Return what is typed: lines of shell blocks, joined where they go on, and code in text."""
    lines = [
        line for block in blocks_of(text) for line in block.script.replace("\\\n", " ").splitlines()
    ]
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    in_text = re.findall(r"`([^`]+)`", outside)
    return [" ".join(line.split()) for line in [*lines, *in_text]]


def calls(text: str) -> list[tuple[str, str, list[str]]]:
    """Return (command, entry point, its arguments as words of the module) of a page."""
    found = []
    for line in commands(text):
        if match := re.search(r"\bmlflow run \.(?P<rest>.*)", line):
            words = shlex.split(match["rest"], comments=True)
            entry = words[words.index("-e") + 1] if "-e" in words else "main"
            found.append((line, entry, module_words(words)))
        elif match := re.match(rf"({'|'.join(ENTRY_POINTS)}) -P .*", line):
            found.append((line, match[1], module_words(shlex.split(line))))
        elif match := re.search(r"-m entrypoints\.(?P<module>[a-z]+)(?P<rest>[^\"]*)", line):
            entry = next(name for name, (module, _) in ENTRY_POINTS.items() if module == match[1])
            words = shlex.split(match["rest"], comments=True)
            found.append((line, entry, [word for word in words if word not in ("...", "--help")]))
    return found


def module_words(words: list[str]) -> list[str]:
    """Return `-P name=value` as `--name value`, which is what MLflow makes of it."""
    given = [words[i + 1] for i, word in enumerate(words) if word == "-P"]
    pairs = [each.partition("=") for each in given]
    # `name=...` stands for any value, which only its type can refuse.
    return [word for name, _, value in pairs if value != "..." for word in (f"--{name}", value)]


CALLS = [(page, *call) for page, text in TEXTS.items() for call in calls(text)]


@pytest.mark.parametrize(("page", "line", "entry", "words"), CALLS)
def test_a_call_s_options_are_those_of_its_entry_point(
    page: str, line: str, entry: str, words: list[str]
) -> None:
    _, cls = ENTRY_POINTS[entry]
    # A name in capitals where a number belongs is a reader's own.
    options = parse_options(cls, words, program=entry)
    hints = field_types(cls)
    for name in {word.removeprefix("--") for word in words if word.startswith("--")} & set(hints):
        value = getattr(options, name)
        if without_none(hints[name]) is Path and not _CAPITALS.search(str(value)):
            assert str(value) in MADE or value.is_absolute() or (ROOT / value).exists(), value


@pytest.mark.parametrize("page", PAGES)
def test_every_option_in_the_text_is_one(page: str) -> None:
    fields = {name for _, cls in ENTRY_POINTS.values() for name in field_types(cls)}
    for line in commands(TEXTS[page]):
        given = re.findall(r"-P (\w+)=", line)
        assert set(given) - {"name"} <= fields, line


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_benchmarks_and_modules_exist(page: str) -> None:
    for line in commands(TEXTS[page]):
        for target in re.findall(r"(?:^|&& )make ([a-z][\w-]*)", line):
            assert target in TARGETS, line
        for name in re.findall(r"-m benchmarks\.([a-z_]+)", line):
            assert (ROOT / "benchmarks" / f"{name}.py").is_file(), line
        for name in re.findall(r"-m entrypoints\.([a-z_]+)", line):
            assert name in MODULES, line


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_that_are_run_or_say_why_not(page: str) -> None:
    text = TEXTS[page]
    for block in blocks_of(text):
        if page != "README.md":
            assert block.mark == "not run", f"{page}: say why this is not run: {block.script}"
        if block.mark == "not run":
            assert len(block.reason) > 10
            for path in re.findall(r"tests/[\w/.]+", block.reason):
                assert (ROOT / path).exists(), path
    rest = re.sub(r"^```sh\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    hidden = re.findall(rf"^(?:    )?(?:{COMMANDS}) .*$", rest, re.MULTILINE)
    assert not hidden, f"{page}: write commands as ```sh blocks: {hidden}"


def test_calls_are_found_at_all() -> None:
    assert len(CALLS) > 40
    assert {entry for _, _, entry, _ in CALLS} >= set(ENTRY_POINTS) - {"doctor"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```sh\nmlflow run . -e train -P n_epoch=3\n```\n", "unknown option"),
        ("```sh\nmlflow run . -e train \\\n    -P optimizer=adam\n```\n", "not one of"),
        ("`compress -P target_macs=half`\n", "is not a number"),
        ("```sh\nsrun python -m entrypoints.train --model renset\n```\n", "not one of"),
    ],
)
def test_wrong_ones_are_noticed(text: str, message: str) -> None:
    ((_, entry, words),) = calls(text)
    with pytest.raises(ConfigError, match=message):
        parse_options(ENTRY_POINTS[entry][1], words, program=entry)
