"""The guide's table of other networks' styles is what admission says of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from networks.blocks import BLOCKS, of_blocks
from networks.reshaping import RESHAPING
from networks.styles import STYLES, styled

from vcc.models.builders.wrapped import WrappedNetwork
from vcc.models.spec import ModelSpec
from vcc.pipeline.admission import int8, reductions

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "models_styles.md"
SPEC = ModelSpec(family="python:somewhere:make", n_classes=3, sample_size=16, sample_duration=4)
NAMES = (*STYLES, *RESHAPING, *BLOCKS)


def rows() -> dict[str, list[str]]:
    """Return the cells of each row behind the description, by the network's name."""
    lines = [line for line in GUIDE.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {name.strip("`"): rest for name, _, *rest in cells}


def network(name: str) -> WrappedNetwork:
    if name in BLOCKS:
        net = of_blocks(name).float()
    else:
        net = styled(name, RESHAPING if name in RESHAPING else STYLES)
    return WrappedNetwork(SPEC, net, head_name="fc")


def test_the_table_has_every_style() -> None:
    assert tuple(rows()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_what_admission_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(reductions, "write_int8", lambda *_args: None)
    folded, removed, why, in_int8 = rows()[name]

    assert reductions.check_folded(network(name)).startswith(f"{folded} BatchNorms")
    words = reductions.check_thinned(network(name))
    start = "the network stays whole" if removed == "none" else f"{removed} filters removed"
    assert words.startswith(start)
    assert why in words
    assert "\n" not in words
    assert bool(why) == bool(re.search("whole", words))
    assert reductions.check_quantized(network(name)).startswith(f"{in_int8} layers in int8")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_its_int8_file_can_be_written(name: str) -> None:
    int8.write_int8(network(name), int8.INT8_SETTINGS)
