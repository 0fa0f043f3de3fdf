"""Every shipped schedule that decomposes does so on its family: structure alone, no training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from shipped import FAMILIES, shipped_schedules
from small_families import SMALL_FAMILIES

from benchmarks.structure import follow_untrained
from vcc.compression import load_schedule
from vcc.compression.schedule.shipped import SCHEDULES
from vcc.models import build_model
from vcc.models.decomposed import Decomposed
from vcc.models.network import VideoNetwork

GENERIC = "decompose_filters_thin_qat_int8.yaml"
# Their channels take longest to trace, and other families have layers of the same kinds. The
# resnets' file says what the one for any network says.
LONG = ("resnet", "resnext", "shufflenet", "shufflenetv2")
CASES = [
    pytest.param(
        family,
        SCHEDULES / f"{family}_{GENERIC}",
        marks=pytest.mark.slow if family in LONG else (),
        id=family,
    )
    for family in FAMILIES
]
CASES.append(pytest.param("pre_act_resnet", SCHEDULES / GENERIC, id="pre_act_resnet"))
# of channels, frames and pixels: few, but as many as C3D's pools leave something of
CLIPS = {"c3d": (3, 9, 24, 24)}


def tiny(family: str) -> tuple[VideoNetwork, torch.Tensor]:
    clip = CLIPS.get(family, (3, 4, 24, 24))
    model = build_model(
        family,
        n_classes=3,
        sample_size=clip[-1],
        sample_duration=clip[1],
        width_mult=0.25,
        **SMALL_FAMILIES[family],
    )
    return model, torch.randn(2, *clip)


@pytest.mark.parametrize(("family", "path"), CASES)
def test_it_decomposes_thins_and_quantizes(family: str, path: Path) -> None:
    torch.manual_seed(0)
    model, clips = tiny(family)
    dense = sum(parameter.numel() for parameter in model.parameters())

    follow_untrained(model, load_schedule(path), clips)

    made = [module for module in model.modules() if isinstance(module, Decomposed)]
    wanted = load_schedule(path).as_mapping()["decomposers"]
    assert len({module.form for module in made}) == len({part["class"] for part in wanted.values()})
    assert sum(parameter.numel() for parameter in model.parameters()) < 0.9 * dense
    assert "WeightQuantizer" in {type(module).__name__ for module in model.modules()}
    model.eval()
    assert bool(model(clips).isfinite().all())


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_has_one_of_its_own(family: str) -> None:
    assert SCHEDULES / f"{family}_{GENERIC}" in shipped_schedules(family)


def test_the_one_for_any_network_is_that_of_the_resnets() -> None:
    ours = load_schedule(SCHEDULES / f"resnet_{GENERIC}").as_mapping()
    assert load_schedule(SCHEDULES / GENERIC).as_mapping() == ours
