"""Before a training, networks of others go through admission; families' do not."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.models import build_model
from vcc.pipeline.admission import step
from vcc.pipeline.admission.step import admit_step


def test_only_networks_of_others_are_looked_at(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "admission_text", lambda network: f"head  {network.head_name}\n")

    admit_step(build_model("mobilenetv2", n_classes=2, width_mult=0.125), run)
    assert not run.texts
    admit_step(build_model("torchvision:mc3_18", n_classes=2), run)
    assert run.texts == {"admission.txt": "head  fc\n"}
