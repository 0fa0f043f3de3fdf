"""Networks of builders: built, saved, rebuilt, and refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from foreign import MODEL, PACKAGE

from vcc.compression.thinning.remove import thin_
from vcc.errors import ModelError
from vcc.models import arch_name, build_model, load_checkpoint, save_checkpoint
from vcc.models.network import VideoNetwork, head_of

CLIP = (3, 4, 16, 16)


def build(model: str = MODEL, **options: Any) -> VideoNetwork:
    return build_model(model, n_classes=3, sample_size=16, sample_duration=4, **options).eval()


@pytest.mark.usefixtures("trusted")
class TestPython:
    """python:PACKAGE.MODULE:FACTORY."""

    def test_the_record_says_how_to_build_it_again(self) -> None:
        model = build(model_args={"depth": 2})

        assert arch_name(model.spec) == f"{PACKAGE}.nets.make-depth2"
        assert model.head_name == "head.1"
        assert head_of(model).out_features == 3
        options = model.spec.options
        assert options["model_args"] == {"depth": 2}
        assert set(options["source"]) == {f"{PACKAGE}.nets", f"{PACKAGE}.blocks"}
        assert "module.1.excite.block.1.weight" in model.state_dict()

    def test_rebuilt_equals_saved_with_what_no_file_holds(self, tmp_path: Path) -> None:
        model, clip = build(), torch.randn(2, *CLIP)
        save_checkpoint(tmp_path / "made", model, {})

        loaded = load_checkpoint(tmp_path / "made").model

        assert loaded.spec == model.spec
        assert torch.equal(loaded(clip), model(clip))

    def test_rebuilt_equals_thinned(self, tmp_path: Path) -> None:
        model, clip = build(model_args={"width": 8}), torch.randn(2, *CLIP)
        mask = torch.ones_like(model.get_parameter("module.0.conv_a.weight"))
        mask[::2] = 0
        masks = {"module.0.conv_a.weight": mask}
        with torch.no_grad():
            for name in ("conv_a.weight", "norm_a.weight", "norm_a.bias"):
                model.get_parameter(f"module.0.{name}")[::2] = 0
        before = model(clip)
        thin_(model, masks, clip)
        save_checkpoint(tmp_path / "made", model, {})

        loaded = load_checkpoint(tmp_path / "made").model

        assert torch.equal(loaded(clip), model(clip))
        assert torch.allclose(model(clip), before, rtol=1e-4, atol=1e-5)

    def test_another_name_for_the_number_of_classes(self) -> None:
        named = MODEL.replace(":make", ":by_another_name")
        with pytest.raises(ModelError, match=r"takes \(num_labels\); set classes_arg"):
            build(named)

        assert head_of(build(named, classes_arg="num_labels")).out_features == 3

    @pytest.mark.parametrize(
        ("factory", "options", "said"),
        [
            ("nothing", {}, "has no function or class 'nothing'"),
            ("fails", {}, "RuntimeError: no more networks today"),
            ("returns_text", {}, "returns a str: it must return a torch.nn.Module"),
            ("make", {"model_args": {"n_classes": 5}}, "which the data say"),
            ("make", {"model_args": {"depth": {1}}}, "must be JSON types"),
            ("make", {"head": "heads"}, "has no layer 'heads': did you mean head"),
            ("make", {"head": "stem"}, "with 3 outputs"),
            ("hooked", {}, "b has torch.nn.utils.spectral_norm, .*parametrizations.spectral_norm"),
            ("TwoHeads", {}, r"2 layers are \(a, b\): name it by head=LAYER"),
        ],
    )
    def test_what_cannot_be_built(self, factory: str, options: Any, said: str) -> None:
        with pytest.raises(ModelError, match=said):
            build(MODEL.replace(":make", f":{factory}"), **options)


class TestTrust:
    """No checkpoint makes the program import somebody's code."""

    @pytest.fixture
    def checkpoint(self, trusted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        from foreign import forget_foreign

        from vcc.config.networks.trust import VARIABLE

        folder = save_checkpoint(tmp_path / "made", build(), {})
        forget_foreign(monkeypatch)
        (trusted / "imported").unlink()
        monkeypatch.delenv(VARIABLE)
        return folder

    def test_a_stranger_is_not_imported(self, checkpoint: Path, package: Path) -> None:
        import sys

        with pytest.raises(ModelError, match=rf"if you trust it, say so by trust={PACKAGE}"):
            load_checkpoint(checkpoint)

        assert PACKAGE not in sys.modules
        assert not (package / "imported").exists()

    def test_a_friend_is(
        self, checkpoint: Path, package: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VCC_TRUST", f"other, {PACKAGE}")

        assert load_checkpoint(checkpoint).model.spec.family == MODEL
        assert (package / "imported").exists()
