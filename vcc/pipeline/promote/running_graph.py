"""A registered graph, downloaded and running, with what it says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcc.config.data import ClipOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.errors import ExportError
from vcc.export.onnx_file import read_metadata
from vcc.export.runtimes.catalog import Session
from vcc.tracking.registry import Version
from vcc.tracking.versions_together import graph_version


@dataclass(frozen=True, kw_only=True)
class RunningGraph:
    """A downloaded graph and the session that runs it."""

    version: Version
    path: Path
    session: Session
    metadata: Mapping[str, Any]

    @property
    def protocol(self) -> ClipProtocol:
        """Which clips of a video it is asked about."""
        clip = ClipOptions.from_mapping(self.metadata["clip"], where=f"{self.version.uri}: clip")
        return ClipProtocol.from_options(clip)


def running_graph(version: Version, path: Path, session: Session) -> RunningGraph:
    """Return the graph of a version.

    Args:
        version: of any of its forms.
        path: the downloaded file.
        session: that runs it.

    Raises:
        ExportError: the file does not say how it is fed and what it was trained on.
    """
    metadata = read_metadata(path)
    missing = {"clip", "dataset", "split", "data_digest", "labels"} - set(metadata)
    if missing:
        msg = f"{version.uri}: its graph does not say its {', '.join(sorted(missing))}: export it"
        raise ExportError(msg)
    return RunningGraph(
        version=graph_version(version), path=path, session=session, metadata=metadata
    )
