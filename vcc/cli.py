"""The command line of every entry point, built from an options class.

Strict: an unknown option, a wrong type or a value out of range ends the program with one line and
a non-zero exit code. Options are never abbreviated, since MLflow turns an undeclared `-P epoch=5`
into `--epoch 5`, which must not set `--epochs`. An empty value means "the default", because
MLproject has no other way to leave a parameter unset.
"""

from __future__ import annotations

import argparse
import dataclasses
import errno
import json
import logging
import math
import os
import sys
import tempfile
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from vcc import __version__, signals
from vcc.config.networks.trust import named_packages, trusting
from vcc.config.options import (
    Options,
    OptionsT,
    check_inputs,
    check_outputs,
    describe_type,
    field_types,
    without_none,
)
from vcc.config.thesis import ALIASES, REFUSED, SETTLED
from vcc.errors import ConfigError, StoppedError, VccError, nearest, one_line
from vcc.parent import end_with_mlflow_run

_logger = logging.getLogger(__name__)

# Options that name what is written.
_WRITTEN_TO = ("root_path", "results", "output", "summary_path")
# A full disk, a used-up quota, the largest size of a file, a disk that takes no writes.
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
# A path that the user gave: not allowed, too long, a file where a folder is wanted or the reverse.
_PATH_ERRORS = (
    errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP,
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def parse_options(cls: type[OptionsT], arguments: Sequence[str], *, program: str) -> OptionsT:
    """Read command-line arguments into an options class.

    Args:
        cls: what may be set.
        arguments: the words after the program's name.
        program: how the program is called, for the help text.

    Raises:
        ConfigError: an option is unknown, refused, of the wrong type or out of range.
    """
    parser = _build_parser(cls, program)
    namespace, unknown = parser.parse_known_args(list(arguments))
    values = dict(vars(namespace))
    _settle(values.pop("_settled", {}) or {})
    if unknown:
        raise ConfigError(_explain_unknown(unknown, cls))
    hints = field_types(cls)
    given = {
        name: _convert(name, text, hints[name])
        for name, text in values.items()
        if text is not None and text != ""
    }
    return cls(**given)


def run_entry_point(cls: type[OptionsT], main: Callable[[OptionsT], None], *, name: str) -> None:
    """Parse the command line, call `main`, and end the process with the right exit code.

    An expected failure (`VccError`, a full disk, a path that cannot be) prints one line on standard
    error, and so does Ctrl-C, SIGTERM or SIGHUP. Anything else is a defect of ours and keeps its
    traceback.
    """
    # MLflow starts entry points without a terminal: lines must come out as they are written.
    typing.cast(Any, sys.stdout).reconfigure(line_buffering=True)
    # Our own progress, and other packages' warnings only: some narrate every step they take.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("vcc").setLevel(logging.INFO)
    signals.stop_on_signals()
    end_with_mlflow_run()
    try:
        options = _options(cls, name)
        # What the user names is trusted: by the command line, never by a file.
        with trusting(named_packages(options)):
            main(options)
    except StoppedError as error:
        _complain(f"{signals.describe()}: {error}")
        sys.exit(signals.exit_code())
    except VccError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(("vcc", "entrypoints")):
            raise
        _complain(
            f"the package {error.name} is not installed in {sys.executable}: activate the "
            "environment first (`make demo` makes it, `. .venv/bin/activate` activates it)"
        )
        sys.exit(1)
    except KeyboardInterrupt:
        _complain(signals.describe())
        sys.exit(signals.exit_code())
    except _ReaderGoneError:
        # `| head` has seen enough: not worth a line. What is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if (told := _told(error)) is None:
            raise
        _complain(told)
        sys.exit(1)


def _told(error: OSError) -> str | None:
    """Return in words what the user can mend; None for what is a defect of ours."""
    if error.errno in _DISK_ERRORS:
        return (
            f"{error.filename or 'a file'}: cannot be written ({error.strerror}): make room, or "
            "give another folder, then run the same command again"
        )
    if error.errno in _PATH_ERRORS and error.filename is not None:
        name = os.fsdecode(error.filename) if not isinstance(error.filename, int) else "a file"
        return (
            f"{name:.200}: {error.strerror}: give another path, or change who may use it, then run "
            "the same command again"
        )
    return None


def _options(cls: type[OptionsT], name: str) -> OptionsT:
    try:
        options = parse_options(cls, sys.argv[1:], program=f"python -m entrypoints.{name}")
        check_inputs(options)
        check_outputs(options)
        _warn_of_temporary_clone(options)
    except ConfigError as error:
        # `mlflow run` has made a run, which nothing else will tell what was wrong.
        if run_id := os.environ.get("MLFLOW_RUN_ID"):
            from vcc.tracking.runs import tag_error

            tag_error(run_id, error)
        raise
    return options


def _warn_of_temporary_clone(options: Options) -> None:
    """Warn where `mlflow run` of a Git address would leave results in a folder that is lost."""
    here = Path.cwd()
    # As `tempfile.mkdtemp` calls what MLflow fetches into.
    fetched = here.parent == Path(tempfile.gettempdir()) and here.name.startswith("tmp")
    if "MLFLOW_RUN_ID" not in os.environ or not fetched:
        return
    values = {name: getattr(options, name, None) for name in _WRITTEN_TO}
    lost = [name for name, path in values.items() if path and not path.is_absolute()]
    if lost:
        _logger.warning(
            "%s is MLflow's temporary clone: what is written there is lost; give absolute paths "
            "for %s",
            here,
            ", ".join(lost),
        )


class _ReaderGoneError(Exception):
    """Nobody reads our output any more; another broken pipe is another matter."""


def say(text: str = "") -> None:
    """Write a line of the program's result to standard output."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise _ReaderGoneError from error


def _complain(message: str) -> None:
    sys.stderr.write(f"error: {one_line(message)}\n")


class _Settled(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        settled = dict(getattr(namespace, "_settled", None) or {})
        settled[str(option_string).lstrip("-")] = values
        namespace._settled = settled


def _build_parser(cls: type[Options], program: str) -> _Parser:
    summary = (cls.__doc__ or "").split("\n")[0]
    parser = _Parser(prog=program, description=summary, allow_abbrev=False)
    hints = field_types(cls)
    # Some entry points have an option of that name: the release of a network, or what to promote.
    if "version" not in hints:
        parser.add_argument("--version", action="version", version=f"vcc {__version__}")
    aliases = {canonical: alias for alias, canonical in ALIASES.items()}
    for field in dataclasses.fields(cls):
        names = [f"--{field.name}"]
        if field.name in aliases:
            names.append(f"--{aliases[field.name]}")
        is_flag = without_none(hints[field.name]) is bool
        flag: dict[str, Any] = {"nargs": "?", "const": "true"} if is_flag else {}
        parser.add_argument(
            *names,
            dest=field.name,
            default=None,
            metavar="BOOL" if is_flag else field.name.upper(),
            help=_help_line(field),
            **flag,
        )
    for name in SETTLED:
        if name not in hints:
            parser.add_argument(
                f"--{name}", action=_Settled, nargs="?", const="true", help=argparse.SUPPRESS
            )
    return parser


def _help_line(field: dataclasses.Field[Any]) -> str:
    text = str(field.metadata.get("help", ""))
    choices = field.metadata.get("choices", ())
    if choices:
        text += f" ({', '.join(map(str, choices))})"
    shown = format_value(field.default)
    if shown:
        text += f" [{shown}]"
    return text.replace("%", "%%")


def format_value(value: Any) -> str:
    """Return an option's value as the command line and MLproject write it; "" for unset."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return str(value)


def _settle(given: dict[str, str]) -> None:
    for name, value in given.items():
        expected, reason = SETTLED[name]
        same_number = _is_number(value) and _is_number(expected) and float(value) == float(expected)
        if value not in ("", expected) and not same_number:
            msg = f"{name}: {value!r} is refused: {reason}"
            raise ConfigError(msg)


def _explain_unknown(words: Sequence[str], cls: type[Options]) -> str:
    known = [field.name for field in dataclasses.fields(cls)]
    found = [word.split("=")[0].lstrip("-") for word in words if word.startswith("-")]
    if not found:
        return f"unexpected word {words[0]!r}: options are written as --name value"
    return "; ".join(_explain_name(name, known) for name in found)


def _explain_name(name: str, known: Sequence[str]) -> str:
    if name in REFUSED:
        return f"{name}: not an option any more: {REFUSED[name]}"
    return f"unknown option {name!r}: {nearest(name, known)}"


def _convert(name: str, text: str, hint: Any) -> Any:
    hint = without_none(hint)
    try:
        if typing.get_origin(hint) is tuple:
            member = typing.get_args(hint)[0]
            return tuple(_convert_one(item, member) for item in _split(text))
        return _convert_one(text, hint)
    except ValueError:
        msg = f"{name}: {text!r} is not {describe_type(hint)}"
        raise ConfigError(msg) from None


def _convert_one(text: str, kind: Any) -> Any:
    if kind is bool:
        if text.lower() in ("true", "yes", "1", "on"):
            return True
        if text.lower() in ("false", "no", "0", "off"):
            return False
        raise ValueError
    if kind is int:
        # "1e3" and "3.0" are what YAML and MLflow make of whole numbers at times.
        number = float(text)
        if not number.is_integer():
            raise ValueError
        return int(number)
    if kind is Path:
        try:
            return Path(text).expanduser()
        except RuntimeError:
            # ~somebody, who is not known here.
            raise ValueError from None
    if kind is float and not math.isfinite(float(text)):
        raise ValueError
    return kind(text)


def _split(text: str) -> list[str]:
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            return [str(item) for item in json.loads(stripped)]
        except RecursionError:
            raise ValueError from None
    return [item.strip() for item in stripped.split(",") if item.strip()]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
