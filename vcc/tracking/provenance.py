"""Where a run comes from: commit, versions of what it ran on, the machine, what was chosen.

Its parameters say each fact once, and no default. `mlflow run` logs all parameters of MLproject
before our code starts, and a logged one can never change. So what was chosen is added where it is
not there yet, under its option's name; what an option came to is `resolved.NAME`.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcc import __version__
from vcc.cli import format_value
from vcc.config.options import Options
from vcc.data.machine import package_version

PROJECT_ROOT = Path(__file__).resolve().parents[2]
RESOLVED = "resolved."


def provenance_tags() -> dict[str, str]:
    """Return the run tags that say what code ran on what machine."""
    tags = {
        "version.vcc": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
    }
    commit = git_commit()
    if commit:
        tags["git_commit"] = commit
    for package in ("torch", "onnxruntime-gpu", "onnxruntime"):
        version = package_version(package)
        if version:
            tags[f"version.{package}"] = version
    return tags


def chosen_params(options: Options, logged: Mapping[str, str]) -> dict[str, str]:
    """Return what differs from its default, as a run's parameters.

    Args:
        options: of the step.
        logged: the parameters that the run has already; where one says something else, as by a
            name of the thesis, the option's value is `resolved.NAME`.
    """
    found = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if value == field.default or _says(logged.get(field.name), value):
            continue
        name = f"{RESOLVED}{field.name}" if field.name in logged else field.name
        found[name] = format_value(value)
    return _without(found, logged)


def resolved_params(
    values: Mapping[str, Any], options: Mapping[str, Any], logged: Mapping[str, str]
) -> dict[str, str]:
    """Return what options came to, as a run's parameters: only what they do not say themselves.

    Args:
        values: option -> what `auto`, or no value, came to.
        options: the run's options as they were given.
        logged: the parameters that the run has already.
    """
    found = {
        f"{RESOLVED}{name}": format_value(value)
        for name, value in values.items()
        if name not in options or options[name] != value
    }
    return _without(found, logged)


def git_commit() -> str | None:
    """Return the checked-out commit, with "-dirty" when tracked files differ from it.

    None outside a checkout of the project. An installation may lie inside another repository (an
    environment in somebody's project), whose commit says nothing about this code.
    """
    if not _git("ls-files", "vcc/__init__.py"):
        return None
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return None
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed else commit


def environment_lines() -> str:
    """Return every installed package as `name==version` lines, as pip freezes them."""
    packages = {
        f"{dist.name}=={dist.version}" for dist in importlib.metadata.distributions() if dist.name
    }
    return "\n".join(sorted(packages, key=str.lower)) + "\n"


def pinned(*packages: str) -> list[str]:
    """Return `name==version` requirements for those of the packages that are installed."""
    versions = {package: package_version(package) for package in packages}
    return [f"{package}=={version}" for package, version in versions.items() if version]


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT_ROOT), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _says(text: str | None, value: Any) -> bool:
    """Return whether a logged text is this value: "5.0" and "5" are the same number."""
    if text is None:
        return False
    try:
        return float(text) == float(format_value(value))
    except ValueError:
        return text == format_value(value)


def _without(found: Mapping[str, str], logged: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in found.items() if name not in logged}
