"""The summary CSV: read strictly, and turned into a schedule that does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from compression_goldens import run_epoch
from models_tiny import tiny_clip, tiny_network

from vcc.compression import file_config, last_epoch, load_schedule
from vcc.compression.channels.graph import filter_groups
from vcc.compression.channels.trace import trace_channels
from vcc.compression.sensitivity.summary import (
    SummaryRow,
    read_summary,
    summary_csv,
    summary_rows,
    summary_schedule,
)
from vcc.errors import ScheduleError


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    model = tiny_network("resnet10a")
    rows = summary_rows(model, {"conv1.weight": 0.35, "fc.weight": 0.0})
    assert rows == [SummaryRow("conv1", "Conv3d", 0.35), SummaryRow("fc", "Linear", 0.0)]
    path = tmp_path / "summary.csv"
    path.write_text(summary_csv(rows))
    assert path.read_text().splitlines()[0] == "Name,Type,Sparsity"
    assert read_summary(path) == rows


def test_columns_of_others_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "layers.csv"
    path.write_text("\ufeffName, Type,Shape,Parameters,MACs,Sparsity\nconv1,Conv3d,8x4,1,2,0.5\n")
    assert read_summary(path) == [SummaryRow("conv1", "Conv3d", 0.5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column Name, Type, Sparsity"),
        ("Name,Type,Sparcity\n", r"no column Sparsity.*did you mean Sparcity"),
        ("Name,Type,Sparsity\nconv1,Conv3d,50\n", r":2: Sparsity '50' of 'conv1' is not a share"),
        ("Name,Type,Sparsity\nconv1,Conv3d,nan\n", ":2: Sparsity 'nan'"),
        ("Name,Type,Sparsity\nconv1,Conv3d\n", ":2: Sparsity ''"),
        ("Name,Type,Sparsity\n,Conv3d,0.5\n", ":2: no Name"),
        ("Name,Type,Sparsity\na,Conv3d,0.5\na,Conv3d,0.1\n", ":3: 'a' appears twice"),
    ],
)
def test_a_wrong_summary_is_one_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "summary.csv"
    path.write_text(text)
    with pytest.raises(ScheduleError, match=message):
        read_summary(path)


def test_unreadable_summaries_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="no such summary"):
        read_summary(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScheduleError, match="cannot read"):
        read_summary(tmp_path / "binary.csv")


def test_elements_are_pruned_to_their_layer_s_level() -> None:
    model = tiny_network("resnet10a")
    rows = [
        SummaryRow("conv1", "Conv3d", 0.5),
        SummaryRow("bn1", "BatchNorm3d", 0.9),
        SummaryRow("module.layer1.0.conv1", "Conv3d", 0.25),
        SummaryRow("fc", "Linear", 0.0),
    ]
    schedule = load_schedule(summary_schedule(rows, model, group="element"))
    assert last_epoch(schedule) == 8
    scheduler = file_config(model, torch.optim.SGD(model.parameters(), lr=1.0), schedule)
    run_epoch(scheduler, 0)
    for name, level in (("conv1.weight", 0.5), ("layer1.0.conv1.weight", 0.25)):
        weight = model.get_parameter(name)
        assert int((weight == 0).sum()) == int(level * weight.numel())
    assert [name for name, mask in scheduler.masks.items() if mask is not None] == [
        "conv1.weight",
        "layer1.0.conv1.weight",
    ]


def test_filters_leave_as_the_least_of_their_group_allows() -> None:
    model, clip = tiny_network("resnet18b"), tiny_clip()
    groups = filter_groups(model, trace_channels(model, clip))
    (stream,) = (group for group in groups if "layer2.0.conv2.weight" in group)
    rows = [SummaryRow(name.removesuffix(".weight"), "Conv3d", 0.75) for name in stream]
    rows[0] = SummaryRow(rows[0].name, "Conv3d", 0.5)
    rows.append(SummaryRow("layer3.0.conv1", "Conv3d", 0.25))
    # the rest of its residual stream was given nothing, so it keeps its filters
    rows.append(SummaryRow("layer4.0.conv2", "Conv3d", 0.9))
    mapping = summary_schedule(rows, model, group="filter", filter_groups=groups).as_mapping()
    assert {
        tuple(pruner["weights"]): pruner["final_sparsity"] for pruner in mapping["pruners"].values()
    } == {stream: 0.5, ("layer3.0.conv1.weight",): 0.25}
    before = {name: value.shape[0] for name, value in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = file_config(model, optimizer, mapping, mask_coupled=True, example_input=clip)
    for epoch in range(6):
        run_epoch(scheduler, epoch)
    left = {name: model.get_parameter(name).shape[0] / n for name, n in before.items()}
    assert all(left[name] == 0.5 for name in stream)
    assert left["layer3.0.conv1.weight"] == 0.75
    assert left["layer4.0.conv2.weight"] == left["fc.weight"] == 1


def test_a_summary_that_does_not_fit_is_one_error() -> None:
    model = tiny_network("resnet10a")
    with pytest.raises(ScheduleError, match=r"s.csv: the network has no parameter 'conv9.weight'"):
        summary_schedule(
            [SummaryRow("conv9", "Conv3d", 0.5)], model, group="element", source="s.csv"
        )
    nothing = [SummaryRow("conv1", "Conv3d", 0.0), SummaryRow("bn1", "BatchNorm3d", 0.5)]
    for group in ("element", "filter"):
        with pytest.raises(ScheduleError, match="nothing to prune"):
            summary_schedule(nothing, model, group=group)
