"""Which packages may build: those from the environment, unchanged since the checkpoint was made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from foreign import MODEL, PACKAGE, forget_foreign

from vcc.config.networks.builders import read_builder
from vcc.errors import ModelError
from vcc.models import build_model, load_checkpoint, save_checkpoint
from vcc.models.builders.packages import check_source, require_trust


@pytest.fixture
def checkpoint(trusted: Path, tmp_path: Path) -> Path:
    model = build_model(MODEL, n_classes=3, sample_size=16, sample_duration=4)
    return save_checkpoint(tmp_path / "made", model, {})


def test_changed_source_is_named(
    checkpoint: Path, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (trusted / "blocks.py").open("a") as file:
        file.write("\n# one more line\n")
    forget_foreign(monkeypatch)

    with pytest.raises(ModelError, match=rf"{PACKAGE}\.blocks is not what it was") as caught:
        load_checkpoint(checkpoint)

    assert "\n" not in str(caught.value)


def test_source_of_another_package_is_not_looked_for(checkpoint: Path) -> None:
    arch = json.loads((checkpoint / "arch.json").read_text())
    arch["spec"]["options"]["source"] = {"antigravity.gone": "0"}
    (checkpoint / "arch.json").write_text(json.dumps(arch))

    with pytest.raises(ModelError, match="'antigravity.gone' that is not of"):
        load_checkpoint(checkpoint)

    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("left", "said"),
    [((), "has no digest of the source"), (("nets",), "and is now by foreign_nets.blocks, for")],
)
def test_digests_that_were_taken_out(checkpoint: Path, left: tuple[str, ...], said: str) -> None:
    arch = json.loads((checkpoint / "arch.json").read_text())
    options = arch["spec"]["options"]
    names = [f"{PACKAGE}.{name}" for name in left]
    options["source"] = {name: options["source"][name] for name in names}
    (checkpoint / "arch.json").write_text(json.dumps(arch))

    with pytest.raises(ModelError, match=said):
        load_checkpoint(checkpoint)


@pytest.mark.usefixtures("trusted")
def test_code_beside_the_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="lies in the checkpoint's folder"):
        require_trust(read_builder(MODEL), checkpoint=tmp_path / "site")

    assert PACKAGE not in sys.modules
    require_trust(read_builder(MODEL), checkpoint=tmp_path / "elsewhere")


def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VCC_TRUST", "nobody_wrote_this")
    builder = read_builder("python:nobody_wrote_this.nets:make")

    with pytest.raises(ModelError, match="is not installed in"):
        require_trust(builder, checkpoint=None)
    with pytest.raises(ModelError, match="cannot be found"):
        check_source(builder, {"nobody_wrote_this.nets": "0"})
