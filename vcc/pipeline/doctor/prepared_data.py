"""Whether the prepared data that registered networks were trained on are there and whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.data.store.files import read_description
from vcc.data.store.manifest import MANIFEST_NAME, Manifest, read_manifest
from vcc.errors import DataError
from vcc.pipeline.doctor.finding import Finding
from vcc.pipeline.next_command import entry_command
from vcc.tracking.inventory import Registration, recorded_data
from vcc.tracking.registry import Version


@dataclass(frozen=True, kw_only=True)
class NeededData:
    """Data that the next step of a registered network needs.

    Attributes:
        name: of the data set.
        digest: of its manifest.
        runs: that recorded it as their input.
        by: URIs of the versions.
    """

    name: str
    digest: str
    runs: frozenset[str]
    by: tuple[str, ...]


def needed_data(registrations: Sequence[Registration]) -> list[NeededData]:
    """Return the data of every version that has an alias: of those that commands go on with."""
    versions: dict[tuple[str, str], list[Version]] = {}
    for version in _with_alias(registrations):
        tags = version.tags
        if "dataset" in tags and "data_digest" in tags:
            versions.setdefault((tags["dataset"], tags["data_digest"]), []).append(version)
    return [
        NeededData(
            name=name,
            digest=digest,
            runs=frozenset(v.tags["run_id"] for v in found if "run_id" in v.tags),
            by=tuple(v.uri for v in found),
        )
        for (name, digest), found in sorted(versions.items())
    ]


def _with_alias(registrations: Sequence[Registration]) -> Iterator[Version]:
    for registration in registrations:
        for versions in registration.forms.values():
            yield from (version for version in versions.values() if version.aliases)


def check_data(needed: NeededData, root_path: Path) -> Iterator[Finding]:
    """Yield what is wrong with the data of registered networks.

    Args:
        needed: which data.
        root_path: folder that prepared data sets lie in, beside those that the runs recorded.
    """
    folders = _folders(needed, root_path)
    whole = False
    other: Path | None = None
    for folder in folders:
        try:
            manifest = read_manifest(folder)
        except DataError as error:
            yield Finding(where=str(folder), what=str(error), mend=_prepare(needed, folder))
            continue
        if manifest.digest == needed.digest:
            whole = True
            yield from _store(manifest, folder, needed)
        elif manifest.name == needed.name:
            other = folder
    if not whole:
        yield _missing(needed, other)


def _folders(needed: NeededData, root_path: Path) -> list[Path]:
    """Return the folders of prepared data, and those that a run recorded and that are there."""
    recorded = [folder for run in sorted(needed.runs) for folder in recorded_data(run)]
    below = [path.parent for path in sorted(root_path.glob(f"*/{MANIFEST_NAME}"))]
    found = {folder.resolve(): folder for folder in (*below, *recorded) if folder.is_dir()}
    return list(found.values())


def _missing(needed: NeededData, other: Path | None) -> Finding:
    by = ", ".join(needed.by)
    if other is not None:
        return Finding(
            where=str(other),
            what=f"{needed.name} was prepared anew since {by} learnt from it: its digest is no "
            f"longer {needed.digest[:12]}, so that no command goes on from them",
            mend=entry_command("train", {"dataset": needed.name}) + ", or prepare them as then",
        )
    return Finding(
        where=by,
        what=f"the data {needed.name} ({needed.digest[:12]}) are not on this machine: neither "
        "where the run found them nor below root_path",
        mend=entry_command("prepare", {"dataset": needed.name, "videos": "DIR"}),
        broken=False,
    )


def _store(manifest: Manifest, folder: Path, needed: NeededData) -> Iterator[Finding]:
    """Find stored videos that are missing or cut; checksums are `prepare -P verify=true`'s."""
    bad = [video.file for video in manifest.videos if read_description(folder / video.file) is None]
    if bad:
        yield Finding(
            where=str(folder),
            what=f"{len(bad)} of {len(manifest.videos)} stored videos are missing or cut; "
            f"first {bad[0]!r}",
            mend=_prepare(needed, folder),
        )


def _prepare(needed: NeededData, folder: Path) -> str:
    wanted = {"dataset": needed.name, "output": folder, "videos": "DIR"}
    return entry_command("prepare", wanted)
