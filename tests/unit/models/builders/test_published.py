"""torchvision's networks and their weights, from stand-in files: nothing is downloaded here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

from vcc.errors import ModelError
from vcc.models import arch_name, build_model, load_weights
from vcc.models.builders import published
from vcc.models.builders.head import find_head
from vcc.models.builders.published import fetch_published, published_weights

R3D = "torchvision:r3d_18"


def test_what_the_weights_say() -> None:
    (weights,) = published_weights(R3D)

    assert weights.name == "KINETICS400_V1"
    assert (weights.mean, weights.sample_size) == ((0.43216, 0.394666, 0.37645), 112)
    assert (len(weights.labels), weights.labels[0]) == (400, "abseiling")
    assert published_weights("torchvision:s3d")[0].sample_size == 224
    assert published_weights("resnet") == ()


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "r2plus1d_18"])
def test_the_head_that_is_written_down_is_the_one_found(name: str) -> None:
    clip = {"sample_size": 16, "sample_duration": 4}
    model = build_model(f"torchvision:{name}", n_classes=3, **clip)

    assert arch_name(model.spec) == f"torchvision-{name}"
    assert find_head(model, model.spec.clip_shape, 3) == model.head_name == "fc"


def test_published_names_load_and_the_head_is_replaced(tmp_path: Path) -> None:
    from torchvision.models.video import r2plus1d_18

    theirs = r2plus1d_18(num_classes=5)
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    model = build_model("torchvision:r2plus1d_18", n_classes=3)

    report = load_weights(model, tmp_path / "weights.pth", replace_head=True)

    assert (report.file_classes, report.missing) == (5, ("fc.weight", "fc.bias"))
    assert torch.equal(model.get_parameter("stem.0.weight"), theirs.stem[0].weight)


def test_arguments_are_the_few_that_change_the_network() -> None:
    with pytest.raises(ModelError, match="unknown argument 'weights': known: zero_init_residual"):
        build_model(R3D, n_classes=3, model_args={"weights": "DEFAULT"})
    with pytest.raises(ModelError, match="did you mean s3d or r3d_18"):
        build_model("torchvision:r3d", n_classes=3)


class TestFetching:
    """Weights by the name of their enumeration."""

    @pytest.fixture
    def remote(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """A stand-in file under a URL, and an empty cache."""
        content = b"stand-in"
        name = f"r3d_18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
        (tmp_path / name).write_bytes(content)
        real = published_weights(R3D)[0]
        fields = {**vars(real), "url": (tmp_path / name).as_uri()}
        monkeypatch.setattr(published, "published_weights", lambda _model: (type(real)(**fields),))
        monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
        return tmp_path / name

    @pytest.mark.parametrize("name", ["KINETICS400_V1", "R3D_18_Weights.KINETICS400_V1", "DEFAULT"])
    def test_they_are_downloaded_once(self, remote: Path, name: str) -> None:
        path = fetch_published(R3D, name)
        remote.unlink()

        assert path.read_bytes() == b"stand-in"
        assert fetch_published(R3D, name) == path

    def test_a_file_that_is_not_there_or_another(self, remote: Path) -> None:
        remote.write_bytes(b"something else")
        with pytest.raises(ModelError, match=r"cannot be downloaded \(invalid hash value"):
            fetch_published(R3D, "DEFAULT")
        with pytest.raises(ModelError, match="no published weights of torchvision:r3d_18"):
            fetch_published(R3D, "KINETICS")
