"""The thesis's configurations in the documentation are commands that build those networks."""

from __future__ import annotations

import re
from pathlib import Path

from vcc.cli import parse_options
from vcc.config.entrypoints import TrainEntry
from vcc.config.model import ModelOptions
from vcc.models import arch_name, build_model
from vcc.models.blueprint import blueprint

DOCS = Path(__file__).resolve().parents[3] / "docs" / "models.md"
ROW = re.compile(r"^\|[^|]*\| `([^`]+)` \| `(-P model=[^`]+)` \|$", re.MULTILINE)
KNOWN = {"resnet18a", "resnet50b", "resnet101b", "mobilenetv2-1.0", "csn50ip"}


def test_each_row_builds_the_network_it_names() -> None:
    built = set()
    for name, parameters in ROW.findall(DOCS.read_text()):
        words = [f"--{word}" for word in parameters.split() if word != "-P"]
        model = parse_options(TrainEntry, words, program="train").pick(ModelOptions)
        with blueprint():
            network = build_model(model.model, n_classes=101, **model.build_options())
        assert arch_name(network.spec) == name
        built.add(name)
    assert built == KNOWN
