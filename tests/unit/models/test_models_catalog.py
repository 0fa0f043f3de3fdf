"""The catalogue: names, options, errors, and the figures of the full-width networks."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from models_tiny import EACH_KIND, tiny_network

from vcc.config.model import ModelOptions
from vcc.config.networks.family import FAMILIES
from vcc.errors import ConfigError, ModelError
from vcc.models import build_model, count_macs, count_parameters, list_models, network_of
from vcc.models.blueprint import blueprint
from vcc.models.catalog import catalog_text, from_spec
from vcc.models.pixels import PixelClassifier
from vcc.models.spec import ModelSpec, arch_name

# Family, options, parameters and MACs in millions: 101 classes, 16x112x112, published to as many
# digits as are written; a figure may differ by half a unit of the last one.
KNOWN_FIGURES = [
    ("resnet", {"model_depth": 18}, 33.26, 8330),
    ("resnet", {"model_depth": 50}, 46.4, 10.1e3),
    ("mobilenetv2", {}, 2.48, 560),
    ("mobilenet", {}, 3.40, 240),
    ("resnext", {"model_depth": 50, "resnet_shortcut": "A"}, 23.30, 7220),
    ("resnext", {"model_depth": 101}, 47.73, 9640),
    ("c3d", {}, 78.43, 33110),
    ("squeezenet", {"version": 1.0}, 1.98, 5670),
    ("squeezenet", {}, 1.89, 930),
    ("shufflenet", {"groups": 3}, 1.04, 200),
    ("shufflenetv2", {}, 1.40, 190),
    ("csn", {"model_depth": 50, "model_type": "ip"}, 13.78, 6110),
    ("csn", {"model_depth": 50, "model_type": "ir"}, 12.5, 5440),
]
# Family, options, classes and the millions of parameters that the model zoo of
# facebookresearch/pytorchvideo gives.
PUBLISHED_SIZES = [
    ("x3d", {"x3d_size": "xs"}, 400, 3.79),
    ("x3d", {"x3d_size": "s"}, 400, 3.79),
    ("x3d", {"x3d_size": "m"}, 400, 3.79),
    ("x3d", {"x3d_size": "l"}, 400, 6.15),
    ("slow", {}, 400, 32.45),
]


class TestFigures:
    @pytest.mark.parametrize(("name", "options", "parameters", "macs"), KNOWN_FIGURES)
    def test_full_width_networks_have_the_known_size(self, name, options, parameters, macs):
        with blueprint():
            model = build_model(name, n_classes=101, **options)
        assert count_parameters(model) / 1e6 == pytest.approx(parameters, rel=3e-3)
        # Published as giga-MACs: 10.1 has one decimal, the others two.
        half_unit = 50 if macs == 10.1e3 else 5
        assert count_macs(model) / 1e6 == pytest.approx(macs, abs=half_unit)

    @pytest.mark.parametrize(("name", "options", "n_classes", "millions"), PUBLISHED_SIZES)
    def test_they_have_the_published_number_of_parameters(self, name, options, n_classes, millions):
        with blueprint():
            model = build_model(name, n_classes=n_classes, **options)
        assert count_parameters(model) / 1e6 == pytest.approx(millions, abs=5e-3)

    def test_every_depth_is_built(self):
        for depth in (10, 18, 34, 50, 101, 152, 200):
            for shortcut in ("A", "B"):
                with blueprint():
                    model = build_model(
                        "resnet", n_classes=2, model_depth=depth, resnet_shortcut=shortcut
                    )
                layers = [
                    m for n, m in model.named_modules() if n.endswith(("conv1", "conv2", "conv3"))
                ]
                # Layers of the name: convolutions off the shortcut, and the classifier.
                assert len(layers) + 1 == depth

    @pytest.mark.slow
    def test_catalogue_lists_every_network(self):
        lines = catalog_text().splitlines()
        # csn, mobilenet, mobilenetv2, resnet, resnext, c3d, shufflenet, shufflenetv2, squeezenet
        assert len(lines) == 1 + 8 + 1 + 1 + 14 + 6 + 1 + 5 + 5 + 2 + 14 + 14 + 16 + 4 + 4 + 3
        assert any(line.split() == ["resnet18b", "33.26", "M", "8.33"] for line in lines)


class TestErrors:
    def test_unknown_name_suggests_the_nearest(self):
        with pytest.raises(ModelError, match="unknown model 'resnt': did you mean resnet"):
            build_model("resnt", n_classes=2)

    def test_unknown_option_suggests_the_nearest(self):
        with pytest.raises(ModelError, match="unknown option 'depth': did you mean model_depth"):
            build_model("resnet", n_classes=2, depth=18)

    def test_option_of_another_family_is_unknown(self):
        with pytest.raises(ModelError, match="mobilenetv2: unknown option 'model_depth'"):
            build_model("mobilenetv2", n_classes=2, model_depth=18)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"model_depth": 19}, "model_depth 19 is not one of 10, 18, 34"),
            ({"resnet_shortcut": "C"}, "resnet_shortcut 'C' is not one of A, B"),
            ({"width_mult": 0}, "width_mult 0 is not a number between"),
            ({"width_mult": "1"}, "width_mult '1' is not a number"),
            ({"dropout": 1.0}, "dropout 1.0 is not a number between 0 and 0.99"),
        ],
    )
    def test_bad_values_name_the_option(self, options, message):
        with pytest.raises(ModelError, match=message):
            build_model("resnet", n_classes=2, **options)

    @pytest.mark.parametrize("field", ["n_classes", "sample_size", "sample_duration"])
    def test_sizes_are_positive_whole_numbers(self, field):
        with pytest.raises(ModelError, match=f"{field}: 0 is not a whole number"):
            build_model("resnet", **{"n_classes": 2, field: 0})


class TestSpec:
    def test_records_every_option_with_defaults_filled_in(self):
        spec = build_model("csn", n_classes=3, width_mult=0.125).spec
        assert spec.as_dict() == {
            "family": "csn",
            "n_classes": 3,
            "sample_size": 112,
            "sample_duration": 16,
            "options": {
                "model_depth": 50,
                "model_type": "ip",
                "width_mult": 0.125,
                "dropout": 0.0,
            },
        }

    @pytest.mark.parametrize("variant", EACH_KIND)
    def test_spec_builds_the_same_layout(self, variant):
        model = tiny_network(variant)
        again = from_spec(model.spec)
        assert again.spec == model.spec
        assert {k: v.shape for k, v in again.state_dict().items()} == {
            k: v.shape for k, v in model.state_dict().items()
        }

    @pytest.mark.parametrize(
        ("family", "options", "name"),
        [
            ("resnet", {"model_depth": 18, "resnet_shortcut": "A"}, "resnet18a"),
            ("resnet", {"model_depth": 101, "resnet_shortcut": "B"}, "resnet101b"),
            ("mobilenetv2", {"width_mult": 1}, "mobilenetv2-1.0"),
            ("mobilenetv2", {"width_mult": 0.45}, "mobilenetv2-0.45"),
            ("csn", {"model_depth": 50, "model_type": "ip", "width_mult": 1.0}, "csn50ip"),
            ("csn", {"model_depth": 26, "model_type": "ir", "width_mult": 0.5}, "csn26ir-0.5"),
            ("resnext", {"model_depth": 50, "resnext_cardinality": 32}, "resnext50"),
            (
                "resnext",
                {"model_depth": 50, "resnet_shortcut": "B", "resnext_cardinality": 16},
                "resnext50b-c16",
            ),
            ("mobilenet", {"width_mult": 0.5}, "mobilenet-0.5"),
            ("c3d", {"width_mult": 1.0}, "c3d"),
            ("shufflenet", {"groups": 3, "width_mult": 1.0}, "shufflenet-g3-1.0"),
            ("shufflenetv2", {"width_mult": 2}, "shufflenetv2-2.0"),
            ("squeezenet", {"version": 1, "width_mult": 1.0}, "squeezenet-v1.0"),
            ("x3d", {"x3d_size": "xs", "width_mult": 1.0}, "x3d-xs"),
        ],
    )
    def test_arch_name_spells_the_options(self, family, options, name):
        assert arch_name(ModelSpec(family=family, n_classes=2, options=options)) == name

    def test_networks_can_be_copied_and_pickled(self):
        model = tiny_network("resnet10a")
        assert copy.deepcopy(model).spec == model.spec
        assert pickle.loads(pickle.dumps(model.spec)) == model.spec

    def test_network_is_found_in_its_wrappers(self):
        model = tiny_network("mobilenetv2")
        wrapped = nn_parallel(PixelClassifier(model, mean=(0, 0, 0), std=(1, 1, 1)))
        assert network_of(wrapped) is model
        with pytest.raises(ModelError, match="Linear was not built by"):
            network_of(torch.nn.Linear(1, 1))


class TestOptions:
    def test_defaults_are_the_thesis_s(self):
        options = ModelOptions()
        assert options.model == "resnet"
        assert options.build_options() == {
            "model_depth": 18,
            "resnet_shortcut": "B",
            "width_mult": 1.0,
        }

    def test_only_what_the_family_takes_is_passed_on(self):
        options = ModelOptions(model="mobilenetv2", width_mult=0.5, dropout=0.1)
        assert options.build_options() == {"width_mult": 0.5, "dropout": 0.1}
        model = build_model("mobilenetv2", n_classes=2, **options.build_options())
        assert model.spec.options == {"width_mult": 0.5, "dropout": 0.1}

    def test_families_of_options_and_catalogue_agree(self):
        assert list_models() == tuple(sorted(FAMILIES))

    def test_unknown_family_is_refused(self):
        with pytest.raises(ConfigError, match="did you mean mobilenetv2"):
            ModelOptions(model="mobilenet2")


def nn_parallel(model: torch.nn.Module) -> torch.nn.Module:
    """Wrap as DataParallel names it, without a device."""
    wrapper = torch.nn.Module()
    wrapper.module = model
    return wrapper
