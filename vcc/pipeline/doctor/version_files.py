"""Whether a version's files are there and whole, and all that was made with it."""

from __future__ import annotations

from collections.abc import Iterator

from vcc.errors import TrackingError
from vcc.models.checkpoint import ARCH_FILE, METADATA_FILE, WEIGHTS_FILE
from vcc.pipeline.doctor.finding import (
    Finding,
    delete_command,
    export_command,
    promote_command,
)
from vcc.pipeline.next_command import entry_command
from vcc.tracking.inventory import Registration, stored_files
from vcc.tracking.registry import GRAPH_NAME, ONNX_SUFFIX, VIDEO_SUFFIX, Version
from vcc.tracking.versions_together import CHAMPION

# suffix -> (folder of the logged model, what must lie in it)
_FILES = {
    "": ("artifacts/checkpoint", (ARCH_FILE, METADATA_FILE, WEIGHTS_FILE)),
    ONNX_SUFFIX: ("", (GRAPH_NAME,)),
    VIDEO_SUFFIX: ("artifacts", (GRAPH_NAME,)),
}
_WORDS = {ONNX_SUFFIX: "graph", VIDEO_SUFFIX: "served model"}


def check_checkpoints(registration: Registration) -> Iterator[Finding]:
    """Yield what is wrong with the checkpoints: files, exports, what they were made from."""
    for version in _in_order(registration, ""):
        yield from _files("", version, mend=_make_again(registration, version))
        export_id = version.tags.get("export_id")
        if export_id is not None and registration.made_with(export_id) == [version]:
            yield Finding(
                where=version.uri,
                what="it was exported, and neither its graph nor its served model is registered",
                mend=export_command(version.uri),
            )
        yield from _parent(registration, version)


def check_exports(registration: Registration) -> Iterator[Finding]:
    """Yield what is wrong with the graphs and the served models: files, and that both are there."""
    for suffix, other in ((ONNX_SUFFIX, VIDEO_SUFFIX), (VIDEO_SUFFIX, ONNX_SUFFIX)):
        for version in _in_order(registration, suffix):
            mend = _export_again(registration, version)
            yield from _files(suffix, version, mend=mend)
            together = registration.made_with(version.tags.get("export_id"))
            if not any(
                each.number in registration.forms[other] and each.name.endswith(other)
                for each in together
            ):
                used = _is_used(registration, version)
                left = "" if used else " (left by an export that was broken off)"
                what = f"its {_WORDS[other]} is not registered{left}"
                yield Finding(where=version.uri, what=what, mend=mend, broken=used)


def _in_order(registration: Registration, suffix: str) -> list[Version]:
    return [version for _, version in sorted(registration.forms[suffix].items())]


def _files(suffix: str, version: Version, *, mend: str) -> Iterator[Finding]:
    folder, wanted = _FILES[suffix]
    try:
        there = stored_files(version, folder)
    except TrackingError as error:
        yield Finding(where=version.uri, what=str(error), mend=mend)
        return
    missing = [name for name in wanted if name not in there]
    if missing:
        what = f"the artifact store does not have its {', '.join(missing)}"
        yield Finding(where=version.uri, what=what, mend=mend)
    # MLflow writes a graph anew; what is served is a copy of the file that was measured.
    size, told = there.get(GRAPH_NAME), version.tags.get("size_bytes")
    if suffix == VIDEO_SUFFIX and None not in (size, told) and str(size) != told:
        what = f"its {GRAPH_NAME} has {size} bytes; the file that was measured had {told}"
        yield Finding(where=version.uri, what=what, mend=mend)


def _make_again(registration: Registration, version: Version) -> str:
    """Return what brings a checkpoint's files back; one that has no alias is taken out."""
    if not version.aliases:
        return delete_command(version)
    if version.tags.get("role") == "compressed":
        return entry_command("compress", {"source": f"models:/{registration.base}@baseline"})
    wanted = {"model": version.tags.get("model"), "dataset": version.tags.get("dataset")}
    return entry_command("train", {key: value for key, value in wanted.items() if value})


def _export_again(registration: Registration, version: Version) -> str:
    """Return what brings an export back, in the end for its aliases, too.

    Where its checkpoint was exported again already, the champion has to move to that; anything else
    is taken out, with its aliases.
    """
    checkpoint = registration.checkpoint_of(version)
    export_id = version.tags.get("export_id")
    if checkpoint is not None and checkpoint.tags.get("export_id") == export_id:
        return export_command(checkpoint.uri)
    if any(CHAMPION in each.aliases for each in (version, *registration.made_with(export_id))):
        return promote_command(registration.base, checkpoint.number if checkpoint else "challenger")
    return delete_command(version)


def _is_used(registration: Registration, version: Version) -> bool:
    """Return whether an exported version is found by somebody: by an alias, or its checkpoint."""
    together = registration.made_with(version.tags.get("export_id"))
    return any(each.aliases or registration.has(each.uri) for each in (version, *together))


def _parent(registration: Registration, version: Version) -> Iterator[Finding]:
    """Find a compressed network whose dense one is gone: nothing can be compared with it."""
    parent = version.tags.get("parent", "")
    of_this_name = parent.startswith(f"models:/{registration.base}/")
    if version.aliases and of_this_name and not registration.has(parent):
        source = f"models:/{registration.base}@baseline"
        yield Finding(
            where=version.uri,
            what=f"it was made from {parent}, which is not registered any more",
            mend=entry_command("compress", {"source": source}),
        )
