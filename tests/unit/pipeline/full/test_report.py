"""The report is one file that asks nothing of anybody, and names are text in it."""

from __future__ import annotations

import re

from vcc.evaluation.comparison import Variant
from vcc.pipeline.full.report import PageSection, render, summary_of


def variant(**changes: object) -> Variant:
    values: dict[str, object] = {
        "name": "dense", "params": 1000, "macs": 2_000_000, "size_bytes": 4000, "sparsity": 0.0,
        "clip_top1": 0.8, "video_top1": 0.9, "test_videos": 100, "latency_p50_ms": 30.0,
        "latency_p95_ms": 33.0, "runtime": "onnxruntime CPU",
    }  # fmt: skip
    return Variant(**{**values, **changes})  # type: ignore[arg-type]


def page() -> str:
    return render(
        title="<script>alert(1)</script> on data",
        summary="came out & went in",
        rows=[["", "dense"], ["parameters", "1,000"]],
        sections=[
            PageSection(
                title="<Cost>", pictures=[{"caption": 'a "quoted" name', "data": "aGVsbG8="}]
            ),
            PageSection(title="Layers", text="of both", rows=[["layer"], ["<conv1>"]]),
            PageSection(title="File", lines=["-a: <b>", "+a: c"]),
        ],
        facts={"commit": "abc"},
    )


def test_the_page_loads_nothing_from_elsewhere() -> None:
    assert not re.search(r"https?://|//cdn|<link|<script|@import", page())
    assert 'src="data:image/png;base64,aGVsbG8="' in page()


def test_names_are_escaped() -> None:
    assert "&lt;script&gt;alert(1)" in page()
    assert "came out &amp; went in" in page()


def test_the_contents_lead_to_every_part() -> None:
    links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', page())
    assert [title for _, title in links] == [
        "&lt;Cost&gt;",
        "Layers",
        "File",
        "Where it comes from",
    ]
    assert all(f'id="{place}"' in page() for place, _ in links)
    assert '<td class="short">&lt;conv1&gt;</td>' in page()
    assert '<pre class="wide">-a: &lt;b&gt;\n+a: c\n</pre>' in page()


def test_the_summary_says_what_was_lost_and_gained() -> None:
    text = summary_of(variant(), variant(params=500, video_top1=0.87, latency_p50_ms=20.0))
    assert "500 of 1,000 parameters" in text
    assert "87.0%, 3.0 points lower" in text
    assert "1.50 times the speed" in text
    assert "unchanged" in summary_of(variant(), variant())
    assert "1.0 points higher" in summary_of(variant(), variant(video_top1=0.91))
