"""Where a run comes from: commit, versions of what it ran on, the machine."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path

from vcc import __version__

PROJECT_ROOT = Path(__file__).resolve().parents[2]


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


def package_version(package: str) -> str | None:
    """Return an installed package's version, None when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


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
