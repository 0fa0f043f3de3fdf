"""A bundle's script makes clips as evaluation does, and names what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundle_files import FRAMES, LABELS, SHORT_SIDE, SIZE, bundled, script_of, write_served_graph
from data_videos import smooth_frames, write_video

from vcc.config.serving import ServingOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.clips.streamed import clips_of_file
from vcc.errors import ExportError
from vcc.export.bundles.base import write_labels
from vcc.export.served_facts import ServedFacts, served_facts


@pytest.mark.parametrize("height", [9, 20, 60])
@pytest.mark.parametrize(
    "clip",
    [{}, {"crop_position_in_test": "br", "scale_in_test": 0.5}, {"crop_position_in_test": "tr"}],
)
def test_frames_are_scaled_and_cropped_as_in_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, height: int, clip: dict[str, Any]
) -> None:
    # Smaller than the stored frames; shrunk bilinearly, and by areas.
    video = write_video(tmp_path / "v.avi", smooth_frames(4, height=height, width=height + 13))
    file = write_served_graph(tmp_path / "m.onnx", **clip)
    script = script_of(bundled("onnxruntime", file, tmp_path / "bundle"), monkeypatch)
    found = np.stack(list(script["frames"](str(video)))).astype(int)
    protocol = ClipProtocol.from_options(served_facts(file).clip)
    clips = clips_of_file(video, protocol, short_side=SHORT_SIDE, limits=ServingOptions())
    expected = np.concatenate(list(clips), axis=1).transpose(1, 2, 3, 0)
    # Each scaling rounds, and the second one may round apart what the first one did.
    assert np.abs(found - expected).max() <= 2
    assert np.abs(found - expected).mean() < 0.3


def test_windows_follow_one_another_and_the_last_one_loops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_served_graph(tmp_path / "m.onnx", downsample=3)
    script = script_of(bundled("onnxruntime", file, tmp_path / "bundle"), monkeypatch)
    # Frame i has the colour (i, 0, 0), so that a clip's logit is the mean of its frame numbers.
    colours = [np.full((SIZE, SIZE, 3), (i, 0, 0), np.uint8) for i in range(8)]
    monkeypatch.setitem(script["classify"].__globals__, "frames", lambda _: colours)
    found = script["classify"]("v.avi")
    assert (found["video"], found["clips"]) == ("v.avi", 2)
    # Frames 0 and 3; then 6 and, three on in a loop of two, 7.
    means = [(0 + 3) / 2, (6 + 7) / 2]
    expected = np.mean([np.exp(mean) / (np.exp(mean) + 2) for mean in means])
    assert found["results"][0] == {"label": LABELS[0], "score": pytest.approx(expected)}
    assert [each["label"] for each in found["results"]] == list(LABELS)


def test_what_the_script_reads_lies_beside_it(tmp_path: Path) -> None:
    folder = bundled("onnxruntime", write_served_graph(tmp_path / "m.onnx"), tmp_path / "bundle")
    said = json.loads((folder / "bundle.json").read_text())
    assert said["labels"] == list(LABELS)
    assert (said["size"], said["frames"], said["stored_side"]) == (SIZE, FRAMES, SHORT_SIDE)
    assert (folder / "labels.txt").read_text().splitlines() == list(LABELS)


def test_videos_that_are_resampled_are_not_its_business(tmp_path: Path) -> None:
    file = write_served_graph(tmp_path / "m.onnx", fps=12.5)
    with pytest.raises(ExportError, match=r"videos at 12\.5 frames a second.*use `predict`"):
        bundled("onnxruntime", file, tmp_path / "bundle")


def test_a_name_of_two_lines_is_refused(tmp_path: Path) -> None:
    facts = served_facts(write_served_graph(tmp_path / "m.onnx"))
    broken = ServedFacts(**{**vars(facts), "labels": ("a", "b\nc")})
    with pytest.raises(ExportError, match=r"the class 'b\\nc' has a line break"):
        write_labels(broken, tmp_path)
