"""Checkpoints: exact round trips, atomic writing, and clear errors for everything else."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import pytest
import torch
from commands import run_command
from models_tiny import EACH_KIND, apply_masks, random_masks, tiny_clip, tiny_network
from safetensors.torch import load_file
from torch import nn

from vcc.compression.thinning.remove import thin_
from vcc.errors import ModelError
from vcc.models import build_model, load_checkpoint, save_checkpoint
from vcc.models.architecture import Section, describe_layers, register_section
from vcc.models.pixels import PixelClassifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "best"


class TestRoundTrip:
    @pytest.mark.parametrize("variant", EACH_KIND)
    def test_thinned_networks_come_back_exactly(self, variant, folder):
        model, clip = tiny_network(variant), tiny_clip(variant)
        masks = random_masks(model, clip, alone=0)
        apply_masks(model, masks, clip)
        assert thin_(model, masks, clip).removed > 0
        saved = save_checkpoint(folder, model, {"top1": 0.5, "classes": ["a", "b"]})
        loaded = load_checkpoint(saved)
        assert loaded.metadata == {"top1": 0.5, "classes": ["a", "b"]}
        assert loaded.folder == folder
        assert loaded.model.spec == model.spec
        assert describe_layers(loaded.model) == describe_layers(model)
        assert not loaded.model.training
        assert torch.equal(loaded.model(clip), model(clip))

    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
    def test_other_dtypes_and_memory_layouts(self, dtype, folder):
        model = tiny_network("resnet10a", dtype=dtype).to(memory_format=torch.channels_last_3d)
        loaded = load_checkpoint(save_checkpoint(folder, model, {})).model
        for name, tensor in model.state_dict().items():
            assert loaded.state_dict()[name].dtype == tensor.dtype
            assert torch.equal(loaded.state_dict()[name], tensor)

    def test_the_network_inside_a_wrapper_is_saved(self, folder):
        model = tiny_network("csn26ir")
        save_checkpoint(folder, PixelClassifier(model, mean=(1, 2, 3), std=(1, 1, 1)), {})
        clip = tiny_clip()
        assert torch.equal(load_checkpoint(folder).model(clip), model(clip))

    def test_folded_batchnorms_come_back_as_biases(self, folder):
        model = tiny_network("resnet10a")
        old = model.conv1
        model.conv1 = nn.Conv3d(3, 8, 7, stride=(1, 2, 2), padding=3, bias=True)
        model.conv1.double().weight = old.weight
        model.bn1 = nn.Identity()
        loaded = load_checkpoint(save_checkpoint(folder, model, {})).model
        assert isinstance(loaded.bn1, nn.Identity)
        clip = tiny_clip()
        assert torch.equal(loaded(clip), model(clip))

    def test_tied_tensors_are_stored_once(self, folder):
        model = tiny_network("resnet10a")
        model.layer2[0].bn2.weight = model.layer2[0].bn1.weight
        save_checkpoint(folder, model, {})
        arch = json.loads((folder / "arch.json").read_text())
        assert arch["tied"] == {"layer2.0.bn2.weight": "layer2.0.bn1.weight"}
        assert "layer2.0.bn2.weight" not in load_file(folder / "weights.safetensors")
        clip = tiny_clip()
        assert torch.equal(load_checkpoint(folder).model(clip), model(clip))

    def test_loaded_network_trains(self, folder):
        model = load_checkpoint(save_checkpoint(folder, tiny_network("mobilenetv2"), {})).model
        model.train()(torch.randn(2, 3, 8, 32, 32, dtype=torch.float64)).sum().backward()
        assert all(parameter.grad is not None for parameter in model.parameters())


class TestSections:
    def test_a_section_changes_the_network_before_weights_load(self, folder):
        def describe(model):
            return {"scale": 3} if hasattr(model, "extra") else None

        def rebuild(model, data):
            model.register_buffer("extra", torch.full((data["scale"],), -1.0))

        register_section(Section("test_extra", describe, rebuild))
        model = tiny_network("resnet10a")
        model.register_buffer("extra", torch.tensor([1.0, 2.0, 3.0]))
        loaded = load_checkpoint(save_checkpoint(folder, model, {})).model
        assert loaded.extra.tolist() == [1.0, 2.0, 3.0]

    def test_an_unknown_section_is_refused(self, folder):
        save_checkpoint(folder, tiny_network("resnet10a"), {})
        _edit(folder, lambda arch: arch["sections"].update({"from_the_future": {}}))
        with pytest.raises(ModelError, match="section 'from_the_future' of the architecture"):
            load_checkpoint(folder)

    @pytest.mark.slow
    def test_known_sections_are_registered_on_demand(self):
        code = (
            "from vcc.models import architecture as a\n"
            "assert not a._SECTIONS\n"
            "from vcc.models.catalog import build_model\n"
            "model = build_model('resnet', n_classes=2, model_depth=10, width_mult=0.0625)\n"
            "for name in a._SECTION_HOMES:\n"
            "    try: a.rebuild_sections(model, {name: {}})\n"
            "    except KeyError: pass\n"
            "print(sorted(a._SECTIONS) == sorted(a._SECTION_HOMES))\n"
        )
        done = run_command(
            [sys.executable, "-c", code],
        )
        assert done.stdout.strip() == "True", done.stderr

    def test_a_name_is_registered_once(self):
        register_section(Section("test_twice", lambda _: None, lambda *_: None))
        with pytest.raises(ValueError, match="test_twice"):
            register_section(Section("test_twice", lambda _: None, lambda *_: None))


class TestWriting:
    def test_an_old_checkpoint_is_replaced_whole(self, folder):
        save_checkpoint(folder, tiny_network("resnet10a"), {"epoch": 1})
        save_checkpoint(folder, tiny_network("mobilenetv2"), {"epoch": 2})
        loaded = load_checkpoint(folder)
        assert (loaded.metadata, loaded.model.spec.family) == ({"epoch": 2}, "mobilenetv2")
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]
        assert sorted(path.name for path in folder.iterdir()) == [
            "arch.json",
            "metadata.json",
            "weights.safetensors",
        ]

    def test_killed_between_the_renames_the_old_one_is_read(self, folder):
        save_checkpoint(folder, tiny_network("resnet10a"), {"epoch": 1})
        folder.rename(folder.with_name(".best.previous"))
        assert load_checkpoint(folder).metadata == {"epoch": 1}
        save_checkpoint(folder, tiny_network("resnet10a"), {"epoch": 2})
        assert load_checkpoint(folder).metadata == {"epoch": 2}

    def test_a_full_disk_keeps_the_old_one(self, folder):
        save_checkpoint(folder, tiny_network("resnet10a"), {"epoch": 1})
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
        try:
            with pytest.raises(ModelError, match="could not be written .*free some space"):
                save_checkpoint(folder, tiny_network("resnet10a"), {"epoch": 2})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert load_checkpoint(folder).metadata == {"epoch": 1}
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]

    def test_metadata_must_be_json(self, folder):
        with pytest.raises(ModelError, match="metadata must be plain JSON"):
            save_checkpoint(folder, tiny_network("resnet10a"), {"when": object()})
        assert not folder.exists()

    def test_something_else_is_not_overwritten(self, folder):
        folder.mkdir(parents=True)
        (folder / "thesis.tex").write_text("years of work")
        with pytest.raises(ModelError, match="holds something else than a checkpoint"):
            save_checkpoint(folder, tiny_network("resnet10a"), {})
        assert (folder / "thesis.tex").read_text() == "years of work"


class TestReading:
    def test_no_checkpoint(self, folder):
        with pytest.raises(ModelError, match="there is no checkpoint"):
            load_checkpoint(folder)

    def test_truncated_weights(self, folder):
        save_checkpoint(folder, tiny_network("resnet10a"), {})
        weights = folder / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-5])
        with pytest.raises(ModelError, match="the checkpoint is damaged"):
            load_checkpoint(folder)

    def test_not_json(self, folder):
        save_checkpoint(folder, tiny_network("resnet10a"), {})
        (folder / "arch.json").write_text("{")
        with pytest.raises(ModelError, match=r"arch.json: cannot be read as JSON"):
            load_checkpoint(folder)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda arch: arch.update(format=99), "format 99 is not 1"),
            (lambda arch: arch["spec"].update(family="resnt"), "did you mean resnet"),
            (lambda arch: arch["spec"].update(speed=3), "damaged"),
            (lambda arch: arch["layers"].pop("conv1"), "'conv1' is not in the architecture"),
            (lambda arch: arch["layers"].update(conv9={}), "'conv9' is not in the network"),
            (lambda arch: arch["layers"]["conv1"].update(out_channels=7), "damaged .*conv1"),
            (lambda arch: arch["layers"]["conv1"].update(out_channels=-8), "out_channels -8 is"),
            (lambda arch: arch["layers"]["conv1"].update(colour=1), "'conv1': the architecture"),
            (lambda arch: arch.pop("layers"), "damaged"),
        ],
    )
    def test_an_edited_architecture(self, change, message, folder):
        save_checkpoint(folder, tiny_network("resnet10a"), {})
        _edit(folder, change)
        with pytest.raises(ModelError, match=message):
            load_checkpoint(folder)

    @pytest.mark.parametrize("order", [[0, 0, 1], "plain", [0.0] * 15, list(range(14))])
    def test_a_shuffle_s_order_names_every_channel_once(self, folder, order):
        save_checkpoint(folder, tiny_network("shufflenetg3"), {})
        _edit(folder, lambda arch: arch["layers"]["layer1.0.shuffle"].update(order=order))
        with pytest.raises(ModelError, match="the order does not name each of 15 channels once"):
            load_checkpoint(folder)

    @pytest.mark.slow
    def test_a_fresh_process_reads_it_without_unpickling(self, folder):
        model = build_model("resnet", n_classes=2, model_depth=10, width_mult=0.0625)
        save_checkpoint(folder, model, {})
        code = (
            "import pickle, sys, pathlib\n"
            "def refuse(*a, **k): raise SystemExit('unpickled')\n"
            "from vcc.models import load_checkpoint\n"
            "pickle.load = pickle.loads = refuse\n"
            "print(load_checkpoint(pathlib.Path(sys.argv[1])).model.spec.n_classes)\n"
        )
        done = run_command(
            [sys.executable, "-c", code, str(folder)],
        )
        assert done.stdout.strip() == "2", done.stderr


def _edit(folder: Path, change) -> None:
    path = folder / "arch.json"
    arch = json.loads(path.read_text())
    change(arch)
    path.write_text(json.dumps(arch))
