"""`doctor -P model=...` prints the table of a network, and nothing about the machine."""

from __future__ import annotations

import pytest

from vcc.config.entrypoints import DoctorEntry
from vcc.errors import ConfigError
from vcc.pipeline.admission import checklist
from vcc.pipeline.admission.doctor import admit


def test_it_prints_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checklist, "NEEDED", checklist.NEEDED[:2])
    monkeypatch.setattr(checklist, "TRIED", ())

    admit(
        DoctorEntry(
            model="mobilenetv2", width_mult=0.125, n_classes=7, sample_size=16, sample_duration=4
        )
    )

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["network", "mobilenetv2-0.125"]
    assert lines[2].endswith("clips 3x4x16x16 to 7 logits, by ones and by twos")


def test_without_a_model_it_asks_for_none() -> None:
    assert DoctorEntry().model == ""
    with pytest.raises(ConfigError, match="model: 'resnest' is not one of"):
        DoctorEntry(model="resnest")
