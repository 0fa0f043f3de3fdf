"""Published weight files: with and without prefix, old and new, safely, and with a new head."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models_reference import golden_layout, random_state, resnet_logits
from models_tiny import tiny_network
from safetensors.torch import save_file

from vcc.errors import ModelError
from vcc.models import build_model, load_checkpoint, load_weights, save_checkpoint
from vcc.models.network import head_of


def build(n_classes: int = 400, width_mult: float = 0.125) -> Any:
    return build_model(
        "resnet",
        n_classes=n_classes,
        model_depth=18,
        resnet_shortcut="A",
        width_mult=width_mult,
    ).eval()


@pytest.fixture
def network():
    return build()


@pytest.fixture
def published(network) -> dict[str, torch.Tensor]:
    """The state of a ResNet-18 A with 400 classes, as published but narrow."""
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    return random_state(shapes)


def write(path: Path, state: dict[str, Any], *, prefix: str = "", **extra: Any) -> Path:
    """Write a file as the published training code does."""
    content = {
        "epoch": 67,
        "arch": "resnet-18",
        "state_dict": {prefix + name: tensor for name, tensor in state.items()},
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        **extra,
    }
    torch.save(content, path)
    return path


class TestPublishedFiles:
    @pytest.mark.parametrize("prefix", [pytest.param("", marks=pytest.mark.slow), "module."])
    def test_logits_are_the_file_s(self, prefix, tmp_path):
        network, published = build(width_mult=1.0), random_state(golden_layout("resnet18a"))
        path = write(tmp_path / "r18.pth", published, prefix=prefix, best_prec1=np.float64(57.25))
        report = load_weights(network, path)
        clip = torch.randn(1, 3, 8, 40, 40)
        with torch.no_grad():
            torch.testing.assert_close(
                network(clip), resnet_logits(published, clip), rtol=1e-5, atol=1e-5
            )
        assert len(report.matched) == len(published) == len(network.state_dict())
        assert report.missing == ()
        assert report.file_classes == 400
        assert report.as_text() == f"{path}: {len(published)} of {len(published)} tensors matched"

    def test_numpy_numbers_of_old_and_new_files(self, published, network, tmp_path):
        for number in (np.float64(1.5), np.float32(1.5), np.int64(3)):
            load_weights(network, write(tmp_path / "n.pth", published, best_prec1=number))

    def test_old_format_of_torch(self, published, network, tmp_path):
        path = tmp_path / "legacy.pth"
        content = {"best_prec1": np.float64(1), "state_dict": published}
        torch.save(content, path, _use_new_zipfile_serialization=False)
        assert len(load_weights(network, path).matched) == len(published)

    def test_old_releases_lack_step_counters(self, published, network, tmp_path):
        old = {n: t for n, t in published.items() if not n.endswith("num_batches_tracked")}
        report = load_weights(network, write(tmp_path / "old.pth", old, prefix="module."))
        assert len(report.missing) == 17
        assert all(name.endswith("num_batches_tracked") for name in report.missing)

    def test_bare_state_and_safetensors(self, published, network, tmp_path):
        torch.save(published, tmp_path / "bare.pth")
        save_file(published, tmp_path / "bare.safetensors")
        for name in ("bare.pth", "bare.safetensors"):
            assert len(load_weights(network, tmp_path / name).matched) == len(published)

    @pytest.mark.parametrize("key", ["model", "model_state_dict", "net", "weights", "network"])
    @pytest.mark.parametrize("prefix", ["", "module.", "module.net."])
    def test_keys_and_prefixes_that_people_have(self, key, prefix, tmp_path):
        source, target = tiny_network("csn26ip"), tiny_network("csn26ip")
        state = {prefix + name: tensor for name, tensor in source.state_dict().items()}
        torch.save({"epoch": 3, key: state, "optimizer": {"state": {}}}, tmp_path / "file.pt")
        load_weights(target, str(tmp_path / "file.pt"))
        for name, tensor in source.state_dict().items():
            assert torch.equal(target.state_dict()[name], tensor)

    def test_a_state_inside_another(self, tmp_path):
        source = tiny_network("csn26ip")
        content = {"model": {"state_dict": source.state_dict(), "args": {}}, "epoch": 1}
        torch.save(content, tmp_path / "file.pt")
        report = load_weights(tiny_network("csn26ip"), tmp_path / "file.pt")
        assert len(report.matched) == len(source.state_dict())

    def test_checkpoint_folder(self, tmp_path):
        source, target = tiny_network("csn26ip"), tiny_network("csn26ip")
        folder = str(tmp_path / "own")
        load_weights(target, save_checkpoint(folder, source, {}))
        assert load_checkpoint(folder).folder == tmp_path / "own"
        for name, tensor in source.state_dict().items():
            assert torch.equal(target.state_dict()[name], tensor)


class TestHead:
    def test_other_classes_need_a_new_head(self, published, tmp_path):
        network = build(101)
        before = network.fc.weight.clone()
        path = write(tmp_path / "r18.pth", published)
        with pytest.raises(ModelError, match="has 400 classes and the network 101: ask for a new"):
            load_weights(network, path)
        report = load_weights(network, path, replace_head=True)
        assert torch.equal(network.fc.weight, before)
        assert torch.equal(network.conv1.weight, published["conv1.weight"])
        assert report.missing == ("fc.weight", "fc.bias")
        assert "the head of 400 classes replaced by a fresh one" in report.as_text()

    def test_a_convolution_is_replaced_as_well(self, tmp_path):
        # SqueezeNet's classifier.
        state = random_state(golden_layout("squeezenet1.1"))
        network = build_model("squeezenet", n_classes=101)
        before = head_of(network).weight.clone()
        path = write(tmp_path / "squeezenet.pth", state)
        with pytest.raises(ModelError, match="has 600 classes and the network 101"):
            load_weights(network, path)
        report = load_weights(network, path, replace_head=True)
        assert torch.equal(head_of(network).weight, before)
        assert torch.equal(network.features[0].weight, state["features.0.weight"])
        assert report.missing == ("classifier.1.weight", "classifier.1.bias")


class TestRefusals:
    @pytest.mark.slow
    def test_other_depth_is_named(self, tmp_path):
        network = build(width_mult=1.0)
        other = random_state(golden_layout("resnet18b"))
        before = network.conv1.weight.clone()
        path = write(tmp_path / "b.pth", other)
        with pytest.raises(ModelError, match=r"model_depth=18, resnet_shortcut=B\)"):
            load_weights(network, path, replace_head=True)
        assert torch.equal(network.conv1.weight, before)

    def test_other_shapes(self, tmp_path, network, published):
        published["conv1.weight"] = published["conv1.weight"][:, :, :3]
        with pytest.raises(ModelError, match=r"other shapes for conv1.weight"):
            load_weights(network, write(tmp_path / "s.pth", published))

    def test_lacking_tensors(self, tmp_path, network, published):
        del published["layer4.1.bn2.bias"]
        with pytest.raises(ModelError, match=r"lacks layer4.1.bn2.bias"):
            load_weights(network, write(tmp_path / "l.pth", published))

    def test_code_is_not_run(self, tmp_path, network, published):
        marker = tmp_path / "ran"

        class Payload:
            def __reduce__(self):
                return (os.mkdir, (str(marker),))

        path = write(tmp_path / "evil.pth", published, best_prec1=Payload())
        with pytest.raises(ModelError, match="which is not loaded for safety"):
            load_weights(network, path)
        assert not marker.exists()

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    @pytest.mark.parametrize("form", ["file", "safetensors", "folder"])
    def test_weights_of_a_training_that_broke_down(self, value, form, tmp_path):
        source, target = tiny_network("csn26ip"), tiny_network("csn26ip")
        name, tensor = next(item for item in source.state_dict().items() if item[1].ndim == 5)
        tensor.view(-1)[3] = value
        before = target.state_dict()[name].clone()
        path = tmp_path / ("own" if form == "folder" else f"own.{form}")
        if form == "folder":
            save_checkpoint(path, source, {})
        elif form == "safetensors":
            save_file(source.state_dict(), path)
        else:
            torch.save({"model": source.state_dict()}, path)
        with pytest.raises(ModelError, match=f"{name} holds NaN or infinity"):
            load_weights(target, path)
        assert torch.equal(target.state_dict()[name], before)

    def test_a_pickled_network_is_not_loaded(self, tmp_path, network):
        torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pt")
        with pytest.raises(ModelError, match="holds objects of type .*Linear, which is not loaded"):
            load_weights(network, tmp_path / "whole.pt")

    def test_no_such_file(self, tmp_path, network):
        with pytest.raises(ModelError, match="there is no such file"):
            load_weights(network, tmp_path / "missing.pth")

    def test_damaged_file(self, tmp_path, network):
        (tmp_path / "half.pth").write_bytes(b"PK\x03\x04half")
        with pytest.raises(ModelError, match="cannot be read as weights"):
            load_weights(network, tmp_path / "half.pth")

    def test_no_tensors(self, tmp_path, network):
        torch.save({"state_dict": {"conv1.weight": 3}}, tmp_path / "none.pth")
        with pytest.raises(ModelError, match="holds no state_dict of tensors but conv1.weight"):
            load_weights(network, tmp_path / "none.pth")
