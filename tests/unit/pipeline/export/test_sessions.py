"""Files that are compared run on one provider; only what goes on record is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from vcc.config.export import ExportOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ExportError
from vcc.pipeline.card import Network
from vcc.pipeline.export import sessions as module
from vcc.pipeline.export.sessions import (
    dev_parity,
    open_together,
    scratch_folder,
    time_together,
)

PATHS = {"dense": Path("dense.onnx"), "small": Path("small.onnx")}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is chosen, refused and opened."""
    found: dict[str, Any] = {"refused": [], "opened": []}

    def choose(provider: str, paths: Any) -> str:
        found["chosen_for"] = (provider, list(paths))
        return "toy"

    def open_session(path: Path, **words: Any) -> str:
        found["opened"].append((path, words))
        return f"session of {path.stem}"

    monkeypatch.setattr(module, "choose_provider", choose)
    monkeypatch.setattr(
        module,
        "refuse_overflow",
        lambda paths, provider: found["refused"].append((paths, provider)),
    )
    monkeypatch.setattr(module, "open_session", open_session)
    return found


def test_one_runtime_is_chosen_for_all(told: dict[str, Any]) -> None:
    options = ExportOptions(provider="auto", latency_threads=3)
    made = open_together(PATHS, options, precision="f32", allow_fallback=True)
    assert made == {"dense": "session of dense", "small": "session of small"}
    assert told["chosen_for"] == ("auto", list(PATHS.values()))
    assert told["refused"] == [(list(PATHS.values()), "toy")]
    assert [words for _, words in told["opened"]] == 2 * [
        {"provider": "toy", "threads": 3, "precision": "f32", "allow_fallback": True}
    ]


def test_a_file_that_is_off_the_record_only_warns(told: dict[str, Any]) -> None:
    open_together(PATHS, ExportOptions(), recorded=("small",))
    assert told["refused"] == [([PATHS["small"]], "toy")]


def test_they_are_timed_in_turns_as_the_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(module, "measure_latency", lambda *words, **more: given.update(more))
    options = ExportOptions(latency_batch=2, latency_runs=7, latency_warmup=1)
    nothing: Any = {}
    time_together(nothing, nothing, options)
    assert given == {"batch": 2, "runs": 7, "warmup": 1}


def test_parity_looks_at_the_first_dev_videos_alone(
    network: Network, dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def check(classify: Any, session: Any, batches: Any) -> str:
        for batch in batches:
            assert batch.clips.shape[1:] == network.card.clip_shape
            seen.extend(batch.videos.tolist())
            assert classify(batch.clips).shape == (len(batch.clips), 2)
        return "parity"

    asked: list[str] = []
    loader = module.video_loader

    def video_loader(data: Any, subset: str, *words: Any, **more: Any) -> Any:
        asked.append(subset)
        # The tiny data have no dev videos.
        return loader(data, "train", *words, **more)

    monkeypatch.setattr(module, "check_parity", check)
    monkeypatch.setattr(module, "video_loader", video_loader)
    nothing: Any = None
    with torch.inference_mode():
        assert dev_parity(network, nothing, dataset, videos=1) == "parity"
    assert asked == ["dev"]
    assert 0 in seen
    whole = {number for number in seen if number >= 1 + 4}
    assert not whole, "batches beyond the first videos"


def test_a_file_that_is_refused_is_not_opened(
    told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        msg = "it saturates"
        raise ExportError(msg)

    monkeypatch.setattr(module, "refuse_overflow", refuse)
    with pytest.raises(ExportError, match="it saturates"):
        open_together(PATHS, ExportOptions())
    assert not told["opened"]


def test_a_scratch_folder_is_gone_afterwards() -> None:
    with scratch_folder() as folder:
        (folder / "a").touch()
        assert folder.is_dir()
    assert not folder.exists()
