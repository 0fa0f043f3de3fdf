"""Statistics of activations: batch by batch the same as at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from statistics_files import save_statistics
from torch import nn

from vcc.compression.quantization.statistics import (
    RunningStats,
    collect_statistics,
    load_statistics,
    tensor_stats,
)
from vcc.errors import ScheduleError


def test_figures_of_one_batch_by_hand() -> None:
    stats = tensor_stats(torch.tensor([[0.0, 1.0], [2.0, 5.0]]))
    assert (stats.minimum, stats.maximum) == (0.0, 5.0)
    # the means of the samples' smallest and largest: (0 + 2) / 2 and (1 + 5) / 2
    assert (stats.avg_min, stats.avg_max) == (1.0, 3.0)
    assert (stats.mean, stats.b) == (2.0, 1.5)
    assert stats.std == pytest.approx((14 / 3) ** 0.5)
    assert sum(stats.counts) == 4
    assert stats.counts[0] == stats.counts[-1] == 1


def test_pieces_join_to_the_whole() -> None:
    x = torch.randn(6, 3, 2)
    running = RunningStats()
    for take in (running.first_pass, running.second_pass):
        for batch in x.split(2):
            take(batch)
    together, whole = running.result(), tensor_stats(x)
    assert together.counts == whole.counts
    for figure in ("minimum", "maximum", "avg_min", "avg_max", "mean", "std", "b"):
        assert getattr(together, figure) == pytest.approx(getattr(whole, figure), abs=1e-6)


def test_an_activation_that_never_changes_has_no_histogram() -> None:
    stats = tensor_stats(torch.full((2, 3), 7.0))
    assert (stats.minimum, stats.maximum, stats.std) == (7.0, 7.0, 0.0)
    assert sum(stats.counts) == 0


def test_inputs_are_observed_clip_by_clip_and_the_mode_comes_back() -> None:
    model = nn.Sequential(nn.Dropout(0.9), nn.Linear(2, 2))
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    stats = collect_statistics(model, {"last": model[1]}, lambda: [x])
    # dropout is off while it is observed
    assert stats["last"] == tensor_stats(x)
    assert model.training
    assert not model[1]._forward_pre_hooks


def test_no_clips_are_an_error_of_one_line() -> None:
    model = nn.Linear(2, 2)
    with pytest.raises(ScheduleError, match="no calibration clips"):
        collect_statistics(model, {"": model}, list)
    assert not model._forward_pre_hooks


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    stats = {"0.conv": tensor_stats(torch.randn(3, 4))}
    save_statistics(stats, tmp_path / "stats.yaml")
    assert load_statistics(tmp_path / "stats.yaml") == stats


FIGURES = "min: 0, max: 1, avg_min: 0, avg_max: 1, mean: 0, std: 1"


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "a: {inputs: {0: {min: 1}}}",
        "a: [",
        "3",
        "[" * 5000,
        f"a: {{inputs: {{0: {{{FIGURES.replace('max: 1', 'max: .nan')}}}}}}}",
        f"a: {{inputs: {{0: {{{FIGURES.replace('std: 1', 'std: .inf')}}}}}}}",
        f"a: {{output: {{{FIGURES}, b: 1.0e+999}}}}",
        f"a: {{inputs: {{0: {{{FIGURES}}}}}, histogram: [1, .nan]}}",
        f"a: {{inputs: {{0: {{{FIGURES}}}}}, histogram: [1, many]}}",
    ],
)
def test_any_other_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stats.yaml"
    path.write_text(text)
    with pytest.raises(ScheduleError, match=r"stats.yaml: no activation statistics there") as told:
        load_statistics(path)
    assert "\n" not in str(told.value)
