"""A schedule's structure as data: a dense network takes it, and then the weights fit."""

from __future__ import annotations

import json

import pytest
import torch
from models_tiny import tiny_clip, tiny_network

from vcc.compression.engine.builder import file_config
from vcc.compression.engine.structure_state import describe_structure, restore_structure
from vcc.errors import ModelError

SCHEDULE = {
    "pruners": {
        "filters": {
            "class": "L1RankedStructureParameterPruner",
            "group_type": "Filters",
            "desired_sparsity": 0.5,
            "weights": ["layer1.0.conv1.weight"],
        }
    },
    "extensions": {"thinner": {"class": "FilterRemover"}},
    "policies": [
        {"pruner": {"instance_name": "filters"}, "epochs": [0]},
        {"extension": {"instance_name": "thinner"}, "epochs": [1]},
    ],
}


def test_a_thinned_network_s_structure_fits_its_weights_into_a_dense_one() -> None:
    clip = tiny_clip()
    thinned = tiny_network("resnet10a").eval()
    dense = len(thinned.get_parameter("layer1.0.conv1.weight"))
    optimizer = torch.optim.SGD(thinned.parameters(), lr=0.1)
    scheduler = file_config(thinned, optimizer, SCHEDULE, mask_coupled=True, example_input=clip)
    scheduler.on_epoch_begin(0)
    scheduler.on_epoch_end(0)
    scheduler.begin_seam(1)
    assert len(thinned.get_parameter("layer1.0.conv1.weight")) == dense // 2
    structure = json.loads(json.dumps(describe_structure(thinned)))

    resumed = tiny_network("resnet10a").eval()
    again = file_config(resumed, None, SCHEDULE, mask_coupled=True, example_input=clip)
    restore_structure(again, structure)
    # Nothing of the dense network is left, and masks are of the new shapes.
    assert not any(parameter.any() for parameter in resumed.parameters())
    resumed.load_state_dict(thinned.state_dict())
    assert torch.equal(resumed(clip), thinned(clip))
    assert set(again.store.parameters) == set(dict(resumed.named_parameters()))


def test_another_network_s_structure_is_refused() -> None:
    structure = describe_structure(tiny_network("c3d"))
    model = tiny_network("resnet10a")
    scheduler = file_config(model, None, {"policies": []}, example_input=tiny_clip())
    with pytest.raises(ModelError):
        restore_structure(scheduler, structure)
