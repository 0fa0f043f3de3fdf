"""Admission as a whole: a table, or the first check that a network does not pass."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models import build_model
from vcc.models.networks import mobilenetv2
from vcc.pipeline.admission import checklist


@pytest.fixture(autouse=True)
def _nothing_is_admitted_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checklist, "_admitted", {})


def network() -> nn.Module:
    return build_model(
        "mobilenetv2", n_classes=3, sample_size=16, sample_duration=4, width_mult=0.125
    )


def test_the_table_has_a_line_for_each_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checklist, "NEEDED", checklist.NEEDED[:3])  # exporting takes seconds
    monkeypatch.setattr(mobilenetv2, "STAGES", mobilenetv2.STAGES[:2])
    whole = network()
    state = torch.get_rng_state()

    lines = checklist.admission_text(whole).splitlines()  # type: ignore[arg-type]

    names = ["head", "runs", "size", "saved and rebuilt", "folded", "half thinned", "8 bits"]
    assert [line[:20].strip() for line in lines] == names
    assert lines[0].endswith("classifier.1")
    assert lines[3].endswith("equal")
    assert torch.equal(torch.get_rng_state(), state)


def test_a_failure_names_network_and_check() -> None:
    broken = network()
    broken.register_forward_hook(lambda _m, _i, output: output.softmax(0))

    with pytest.raises(ModelError, match=r"^mobilenetv2-0.125 is not admitted: runs: the logits"):
        checklist.admission_text(broken)  # type: ignore[arg-type]


def test_what_cannot_be_made_smaller_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_network: nn.Module) -> str:
        msg = "no such\nchannel"
        raise IndexError(msg)

    def keeps(network: nn.Module) -> str:
        return str(Tensor([sum(1 for _ in network.modules())]).numel())

    monkeypatch.setattr(checklist, "NEEDED", (("kept", keeps),))
    monkeypatch.setattr(checklist, "TRIED", (("tried", refuses),))

    found = dict(checklist.admission(network()))  # type: ignore[arg-type]
    assert found["tried"] == "not possible: no such channel"
    assert found["kept"] == "1"


def test_networks_alike_go_through_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def looks(network: nn.Module) -> str:
        seen.append(network)
        return "seen"

    monkeypatch.setattr(checklist, "NEEDED", (("looked at", looks),))
    monkeypatch.setattr(checklist, "TRIED", ())

    first, second = (checklist.admission_text(network()) for _ in range(2))  # type: ignore[arg-type]

    assert first == second
    assert len(seen) == 1
