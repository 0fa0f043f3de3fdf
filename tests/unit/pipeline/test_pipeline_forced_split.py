"""A network of another split is refused, and measured without a trace on its version if forced."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from vcc.config.data import ClipOptions, PrepareOptions
from vcc.config.entrypoints import EvaluateEntry
from vcc.config.tracking import SourceOptions
from vcc.config.training import TrainingOptions
from vcc.data.clips.normalisation import normalisation_for
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError
from vcc.models import arch_name, build_model
from vcc.models.checkpoint import save_checkpoint
from vcc.pipeline.card import Network, card_of
from vcc.pipeline.commands import evaluate as command
from vcc.pipeline.source import SourceNetwork, find_source
from vcc.tracking.registry import Version


def prepared(root: Path, split: int) -> PreparedDataset:
    report = prepare(
        PrepareOptions(
            root_path=root,
            split=split,
            short_side=36,
            n_jobs=1,
            motion_classes=2,
            motion_clips=1,
            motion_frames=4,
            motion_width=48,
            motion_height=36,
        )
    )
    return PreparedDataset.open(report.root)


def network_of(dataset: PreparedDataset) -> Network:
    clip = ClipOptions(sample_size=32, sample_duration=4, n_threads=0)
    model = build_model(
        "resnet", n_classes=2, sample_size=32, sample_duration=4, model_depth=10, width_mult=0.25
    )
    card = card_of(
        dataset,
        arch=arch_name(model.spec),
        clip=clip,
        training=TrainingOptions(no_cuda=True),
        normalisation=normalisation_for(clip, dataset),
    )
    return Network(model=model, card=card)


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Splits 1 and 2 of the built-in videos, and an untrained network of the first."""
    root = tmp_path_factory.mktemp("splits")
    one, two = prepared(root / "one", 1), prepared(root / "two", 2)
    assert {v.id for v in two.videos("test")} <= {
        v.id for subset in ("train", "dev") for v in one.videos(subset)
    }
    network = network_of(one)
    save_checkpoint(root / "network", network.model, network.card.as_metadata())
    return root


def source_options(roots: Path, split: str) -> dict[str, Any]:
    return {"source": str(roots / "network"), "root_path": roots / split}


def test_another_split_is_refused_unless_forced(roots: Path) -> None:
    own = SourceOptions(**source_options(roots, "one"))
    assert not find_source(own, alias=None).of_another_split
    other = SourceOptions(**source_options(roots, "two"))
    with pytest.raises(DataError, match="trained on split 'split1'.*with force_split=true"):
        find_source(other, alias=None)
    assert find_source(other, alias=None, force_split=True).of_another_split


class RecordedRun:
    """Takes what a run is told."""

    run_id = "x"

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags |= tags


@pytest.mark.parametrize(("split", "forced"), [("one", False), ("two", True)])
def test_forced_figures_stay_off_the_version(
    roots: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    split: str,
    forced: bool,
) -> None:
    run, told = RecordedRun(), {}
    version = cast(Version, object())

    def with_version(*args: Any, **options: Any) -> SourceNetwork:
        return dataclasses.replace(find_source(*args, **options), version=version)

    def measured(*_: Any, **values: Any) -> dict[str, float]:
        told.update(values)
        return {"test_videos": 4, "clip_top1": 1, "video_top1": 1, "video_top5": 1}

    monkeypatch.setattr(command, "connect", lambda: "")
    monkeypatch.setattr(command, "log_dataset", lambda *_, **__: None)
    monkeypatch.setattr(command, "open_run", lambda *_, **__: contextlib.nullcontext(run))
    monkeypatch.setattr(command, "find_source", with_version)
    monkeypatch.setattr(command, "evaluate_step", measured)
    monkeypatch.setattr(command, "name_of", lambda _: "a network")
    command.run_evaluate(EvaluateEntry(**source_options(roots, split), force_split=True))
    assert told["version"] is (None if forced else version)
    assert run.tags == ({"forced_split": "trained on split1"} if forced else {})
    assert ("forced: trained on split1" in capsys.readouterr().out) is forced
