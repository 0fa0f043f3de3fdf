"""Which file an annotation's video is: by its name, its class, and the folders that it names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from vcc.data.annotations.annotation import Annotation, Entry
from vcc.data.annotations.classes import restricted
from vcc.data.annotations.ids import composed, without_suffix
from vcc.data.prepare.discovery import BadFile, FoundVideo
from vcc.data.prepare.plan import Plan, PlannedVideo, name_below

# Kinetics' names: a YouTube video, from and to which second.
_CUT = re.compile(r"(?P<source>.+)_[0-9]{6}_[0-9]{6}")


def plan_of_annotation(
    everything: Annotation, found: Sequence[FoundVideo], root: Path, wanted: Sequence[str]
) -> Plan:
    """Return the plan of an annotation's videos, with what is wrong about them.

    Args:
        everything: the annotation.
        found: the files.
        root: the folder that they lie under.
        wanted: the classes to take; empty for all.
    """
    annotation = restricted(everything, wanted)
    files = _Files(found, everything.labels)
    planned: list[PlannedVideo] = []
    bad: list[BadFile] = []
    for entry in annotation.entries:
        if ".." in PurePosixPath(entry.path or entry.id).parts:
            bad.append(BadFile(entry.id, "leaves the video folder"))
            continue
        best = files.best(entry)
        if not best:
            bad.append(BadFile(entry.id, files.why_none(entry)))
            continue
        first, *rest = best
        name = name_below(first.path, root)
        bad += [BadFile(name_below(v.path, root), f"has the name of {name!r}") for v in rest]
        if other := files.other_class(first, entry.label):
            reason = f"wrong class: in folder {other!r}, annotated as {entry.label!r}"
            bad.append(BadFile(name, reason))
            continue
        planned.append(PlannedVideo(first.path, entry))
    for entry in everything.entries:
        if entry.label not in annotation.labels:
            files.best(entry)
    unnamed = len(found) - len(files.used)
    notes = (f"{unnamed} videos are not in the annotation",) if unnamed else ()
    return Plan(
        annotation.labels, annotation.split, tuple(planned), tuple(bad), annotation.notes + notes
    )


class _Files:
    """The files of a tree by name; each stands for one entry of an annotation."""

    def __init__(self, found: Iterable[FoundVideo], labels: Sequence[str]) -> None:
        self.used: set[Path] = set()
        self._labels = {label.casefold() for label in labels}
        self._by_name: dict[str, list[FoundVideo]] = defaultdict(list)
        for video in found:
            name = composed(video.path.name)
            names = (name, video.stem, without_suffix(name))
            # Systems that do not tell case apart write lists that others read.
            for each in dict.fromkeys((*names, *(_without_case(each) for each in names))):
                self._by_name[each].append(video)

    def best(self, entry: Entry) -> list[FoundVideo]:
        """Return the files that an entry means: one, or several among which nothing decides."""
        path = entry.path or entry.id
        *folders, name = PurePosixPath(path).parts or (path,)
        candidates = [video for video in self._called(name) if video.path not in self.used]
        if not candidates:
            return []
        ranks = [_rank(video, folders, entry.label) for video in candidates]
        best = [v for v, rank in zip(candidates, ranks, strict=True) if rank == max(ranks)]
        self.used.update(video.path for video in best)
        return best

    def _called(self, name: str) -> list[FoundVideo]:
        """Return the files of a name, which may be written as in an address (`a%20b.mp4`)."""
        for written in (name, unquote(name)):
            for each in (written, without_suffix(written), _without_case(without_suffix(written))):
                if found := self._by_name.get(each):
                    return found
        return []

    def why_none(self, entry: Entry) -> str:
        """Return why no file is left for an entry."""
        name = PurePosixPath(entry.path or entry.id).name
        if taken := self._called(name):
            return f"no file of its own: {taken[0].path.name!r} is that of another row"
        if (times := _CUT.fullmatch(entry.id)) and (whole := self._called(times["source"])):
            return f"no such video file; {whole[0].path.name!r} is not cut to its seconds"
        return "no such video file"

    def other_class(self, video: FoundVideo, label: str) -> str:
        """Return the folder that says a video is of another class; empty where none does."""
        named = [folder for folder in video.folders if folder.casefold() in self._labels]
        is_named = any(folder.casefold() == label.casefold() for folder in named)
        return named[0] if named and not is_named else ""


def _without_case(name: str) -> str:
    """Return a key that no name is, for names of any case."""
    return f"/{name.casefold()}"


def _rank(video: FoundVideo, folders: Sequence[str], label: str) -> tuple[int, bool]:
    """Return how many of an entry's last folders a video lies in, and whether in its class's."""
    own = [folder.casefold() for folder in reversed(video.folders)]
    wanted = [folder.casefold() for folder in reversed(folders)]
    alike = 0
    for mine, other in zip(own, wanted, strict=False):
        if mine != other:
            break
        alike += 1
    return alike, label.casefold() in own
