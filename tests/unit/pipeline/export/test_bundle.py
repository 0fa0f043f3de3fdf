"""A bundle has a model card that says what was measured, and comes whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundle_files import write_served_graph

from vcc.config.export import BUNDLES
from vcc.errors import ExportError
from vcc.export.benchmark import Latency
from vcc.export.bundles.base import Bundle
from vcc.export.parity import Parity
from vcc.export.runtimes.session import Coverage
from vcc.pipeline.card import Network
from vcc.pipeline.export import bundle as bundle_module
from vcc.pipeline.export.bundle import find_bundle, model_card, write_bundle
from vcc.pipeline.export.record import Exported


@pytest.fixture
def made(network: Network, tmp_path: Path) -> Exported:
    figures: dict[str, Any] = {"p50_ms": 4.25, "p90_ms": 5.0, "p95_ms": 5.5, "p99_ms": 6.0}
    return Exported(
        network=network,
        path=write_served_graph(tmp_path / "m.onnx"),
        size_bytes=1_500_000,
        parity=Parity(
            clips=1,
            max_difference=0.0,
            mean_difference=0.0,
            scale=1.0,
            top1_agreement=1.0,
            held=1.0,
            one_class=False,
        ),
        latency=Latency(
            runtime="a runtime", precision="f32", batch=1, runs=50, rounds_ms=(), **figures
        ),
        coverage=Coverage(runtime="a runtime", nodes=None),
        profile=None,
        quant_target=None,
        overflow=None,
        clip_top1=0.5,
        video_top1=0.75,
        test_videos=16,
        clips_per_video=2.5,
    )


def test_the_card_says_what_was_measured_and_what_was_not(made: Exported) -> None:
    bundle = BUNDLES.get("onnxruntime")()
    card = made.network.card
    text = model_card(made, bundle=bundle, version="models:/a-onnx/3")
    assert text.startswith(f"# {card.arch} on {card.dataset}, dense\n")
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "Use", "Data", "Accuracy", "Latency", "Limits", "Where it comes from", "Licence",
    ]  # fmt: skip
    # Wilson's interval of 12 of 16.
    assert "video top-1 75.0%, 95 % interval 50.5% to 89.8%" in text
    assert "Median 4.25 ms, 95th percentile 5.50 ms, for 1 clip(s) in a runtime (f32) on " in text
    assert card.data_digest in text
    assert "models:/a-onnx/3" in text
    assert "VNNI" not in text
    assert "VNNI" in model_card(replace(made, overflow="fast"), bundle=bundle, version="v")


def test_it_is_written_whole(made: Exported, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "net-onnxruntime"
    bundle = find_bundle("onnxruntime", folder)
    assert write_bundle(bundle, made, folder, version="v") == folder
    assert sorted(each.name for each in folder.iterdir()) == [
        "README.md", "bundle.json", "compose.yaml", "infer.py", "labels.txt", "model.onnx",
    ]  # fmt: skip
    assert [each.name for each in folder.parent.iterdir()] == [folder.name]
    with pytest.raises(ExportError, match="net-onnxruntime is there already: delete it"):
        find_bundle("onnxruntime", folder)


def test_nothing_is_left_of_one_that_cannot_be_written(made: Exported, tmp_path: Path) -> None:
    class Broken(Bundle):
        title, usage = "broken", ""

        def write(self, file: Path, facts: Any, folder: Path) -> None:
            (folder / "half").touch()
            msg = "no"
            raise ExportError(msg)

    with pytest.raises(ExportError, match="^no$"):
        write_bundle(Broken(), made, tmp_path / "out" / "b", version="v")
    assert not list((tmp_path / "out").iterdir())


def test_integers_of_another_runtime_are_refused(
    made: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = bundle_module.inspect_file(made.path)
    monkeypatch.setattr(
        bundle_module, "inspect_file", lambda _: replace(facts, quant_target="tensorrt")
    )
    with pytest.raises(ExportError, match="integers made for tensorrt cannot be had as an ONNX"):
        write_bundle(BUNDLES.get("onnxruntime")(), made, tmp_path / "b", version="v")
