"""What a compression makes is right on every processor, unless the user says otherwise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from export_networks import dense, quantized

from vcc.compression import load_schedule
from vcc.compression.schedule.edits import with_overflow
from vcc.compression.schedule.schedule import Schedule
from vcc.export import overflow
from vcc.export.runtimes.processor import Sums
from vcc.pipeline.card import Network
from vcc.pipeline.int8_overflow import warn_of_overflow
from vcc.pipeline.tags import quantizer_tags

QUANTIZED = """
version: 1
quantizers:
  weights_and_inputs: {class: PostTrainLinearQuantizer, bits_activations: 8, bits_parameters: 8%s}
policies:
  - quantizer: {instance_name: weights_and_inputs}
    epochs: [0]
"""
PRUNED = """
version: 1
pruners:
  half: {class: L1RankedStructureParameterPruner, group_type: Filters, desired_sparsity: 0.5,
         weights: [conv1.weight]}
policies:
  - pruner: {instance_name: half}
    epochs: [0]
"""


Load = Callable[[str], Schedule]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A function that loads the text of a schedule."""

    def read(text: str) -> Schedule:
        path = tmp_path / "schedule.yaml"
        path.write_text(text, encoding="utf-8")
        return load_schedule(path)

    return read


def chosen(schedule: Schedule) -> str | None:
    (part,) = schedule.as_mapping()["quantizers"].values()
    value: str | None = part.get("overflow")
    return value


class TestSchedules:
    @pytest.mark.parametrize(
        ("in_file", "option", "made"),
        [
            ("", None, "auto"),
            (", overflow: fast", None, "fast"),
            (", overflow: fast", "safe", "safe"),
            ("", "fast", "fast"),
        ],
    )
    def test_the_option_wins_over_the_file_and_both_over_the_default(
        self, load: Load, in_file: str, option: str | None, made: str
    ) -> None:
        assert chosen(with_overflow(load(QUANTIZED % in_file), option)) == made

    def test_what_does_not_fit_is_still_told_by_its_line(self, load: Load) -> None:
        schedule = load(QUANTIZED % "")
        made = with_overflow(schedule, "safe")
        assert schedule.lines
        assert (made.source, made.lines) == (schedule.source, schedule.lines)

    def test_a_schedule_without_quantizers_is_left_alone(self, load: Load) -> None:
        schedule = load(PRUNED)
        assert with_overflow(schedule, "safe") is schedule


def network(kind: str | None) -> Network:
    model = dense("resnet")
    if kind is not None:
        model = quantized(model, "PostTrainLinearQuantizer", quant_target="cpu", overflow=kind)
    made = SimpleNamespace(model=model, card=SimpleNamespace(arch="net", role="dense"))
    return cast(Network, made)


@pytest.fixture(scope="module")
def networks() -> dict[str | None, Network]:
    return {kind: network(kind) for kind in (None, "safe", "fast")}


class TestNetworks:
    @pytest.mark.parametrize("kind", ["safe", "fast"])
    def test_a_version_is_tagged_with_what_its_integers_are_for(
        self, networks: dict[str | None, Network], kind: str
    ) -> None:
        assert quantizer_tags(networks[kind]) == {"quant_target": "cpu", "overflow": kind}

    def test_a_float_version_has_no_such_tags(self, networks: dict[str | None, Network]) -> None:
        assert quantizer_tags(networks[None]) == {}

    @pytest.mark.parametrize(
        ("kind", "sums", "said"),
        [
            ("fast", Sums.SATURATE, "saturate in 16 bits on this processor"),
            ("fast", Sums.UNKNOWN, "is unknown"),
            ("fast", Sums.EXACT, ""),
            ("safe", Sums.SATURATE, ""),
            (None, Sums.SATURATE, ""),
        ],
    )
    def test_figures_that_a_file_would_not_reach_here_are_warned_of(
        self,
        networks: dict[str | None, Network],
        kind: str | None,
        sums: Sums,
        said: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(overflow, "int8_sums", lambda provider: sums)
        with caplog.at_level(logging.WARNING):
            warn_of_overflow(networks[kind])
        assert len(caplog.records) == bool(said)
        assert said in caplog.text
