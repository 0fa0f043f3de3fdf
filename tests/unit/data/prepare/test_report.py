"""The report of a run of prepare, as text and as a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from vcc.data.prepare.discovery import BadFile
from vcc.data.prepare.report import REPORT_NAME, PrepareReport, manifest_facts
from vcc.data.store.manifest import Manifest, VideoRecord

VIDEO = VideoRecord("a", 0, "run", "", "train", 90, 25.0, 1, 1, "", "")
MANIFEST = Manifest(
    name="x",
    split="split1",
    labels=("run", "walk"),
    store="raw",
    short_side=1,
    direction_sensitive=False,
    pixel_mean=(),
    pixel_std=(),
    videos=(VIDEO, replace(VIDEO, subset="dev"), replace(VIDEO, subset="test", fps=0.0)),
)


def report(root: Path, *, bad: int = 0, seconds: float = 2.0) -> PrepareReport:
    return PrepareReport(
        root=root,
        **manifest_facts(MANIFEST),
        size_bytes=3 * 2**20,
        reused=1,
        bad=tuple(BadFile(f"b{number}", "zero frames") for number in range(bad)),
        notes=("be careful",),
        seconds=seconds,
    )


def test_facts_are_those_of_the_manifest() -> None:
    facts = manifest_facts(MANIFEST)
    assert (facts["train"], facts["dev"], facts["test"], facts["classes"]) == (1, 1, 1, 2)
    assert facts["frames"] == 270
    # A video that does not say is taken to have 25 frames a second.
    assert facts["hours"] == 3 * (90 / 25) / 3600
    assert facts["digest"] == MANIFEST.digest


def test_the_text_says_what_is_there() -> None:
    lines = report(Path("data"), bad=1).lines()
    assert lines[0] == "x (split1): 3 videos of 2 classes in data"
    assert "training 1, dev 1, test 1; 270 frames, 0.00 hours" in lines
    assert "store raw, 3.0 MiB; 1 videos were already there" in lines
    assert "2.0 s, 135 frames/s" in lines
    assert lines[4:6] == ["bad files: 1", "  'b0': zero frames"]
    assert lines[-2:] == ["note: be careful", f"digest {MANIFEST.digest}"]


def test_twenty_bad_files_are_shown_and_the_others_counted() -> None:
    shown = report(Path("data"), bad=20).lines()
    assert not any("more, all in" in line for line in shown)
    more = report(Path("data"), bad=23).lines()
    assert f"  and 3 more, all in {REPORT_NAME}" in more
    assert len(more) == len(shown) + 1


def test_no_time_has_no_rate() -> None:
    assert report(Path("data"), seconds=0.0).rate == 0.0


def test_the_file_has_everything(tmp_path: Path) -> None:
    path = report(tmp_path, bad=23).write()
    assert path == tmp_path / REPORT_NAME
    content = json.loads(path.read_text())
    assert len(content["bad"]) == 23
    assert content["bad"][0] == {"name": "b0", "reason": "zero frames"}
    assert (content["root"], content["rate"]) == (str(tmp_path), 135.0)
