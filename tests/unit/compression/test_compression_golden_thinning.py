"""Removal of channels against the original package."""

from __future__ import annotations

import torch
from compression_goldens import array, array_keys, golden
from torch import Tensor, nn

from vcc.compression import file_config

DEAD = [2, 3]


class ThinNet(nn.Module):
    """The network of the golden case."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5)
        self.fc = nn.Linear(20, 4)

    def forward(self, image: Tensor) -> Tensor:
        features = torch.relu(self.bn1(self.conv1(image)))
        features = torch.relu(self.bn2(self.conv2(features)))
        logits: Tensor = self.fc(nn.functional.adaptive_avg_pool2d(features, 2).flatten(1))
        return logits


def test_channels_that_nothing_reads_leave() -> None:
    case = golden("thin_channels")
    assert case["inputs"]["dead"] == "conv2 input channels 2,3"
    expected, image = case["expected"], array(case["inputs"]["x"])
    net, prefix = ThinNet(), "thin/init/"
    net.load_state_dict({key[len(prefix) :]: array(key) for key in array_keys(prefix)})
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    # one step without effect, so that there is momentum to carry over
    (net.eval()(image).sum() * 0).backward()
    optimizer.step()
    schedule = {
        "extensions": {"t": {"class": "ChannelRemover", "thinning_func_str": "remove_channels"}},
        "policies": [{"extension": {"instance_name": "t"}, "epochs": [0]}],
    }
    scheduler = file_config(net, optimizer, schedule, example_input=image)
    mask = torch.ones_like(net.conv2.weight, dtype=torch.bool)
    mask[:, DEAD] = False
    scheduler.store.set("conv2.weight", mask)
    scheduler.store.apply_once(["conv2.weight"])
    torch.testing.assert_close(
        net(image).detach(), array(expected["masked_out"]), rtol=1e-5, atol=1e-5
    )

    scheduler.on_epoch_begin(0)
    scheduler.on_minibatch_begin(0, 0, 1)

    shapes = {name: list(value.shape) for name, value in net.state_dict().items()}
    assert shapes == expected["shapes"]
    torch.testing.assert_close(
        net(image).detach(), array(expected["thinned_out"]), rtol=1e-5, atol=1e-5
    )
    kept = [channel for channel in range(6) if channel not in DEAD]
    assert torch.equal(net.conv1.weight.detach(), array("thin/init/conv1.weight")[kept])
    assert torch.equal(net.bn1.running_mean, array("thin/init/bn1.running_mean")[kept])
    momenta = {
        name: list(optimizer.state[parameter]["momentum_buffer"].shape)
        for name, parameter in net.named_parameters()
    }
    assert momenta == expected["momentum_shapes"]
    mask_now = scheduler.masks["conv2.weight"]
    assert mask_now is not None
    assert list(mask_now.shape) == expected["mask_shapes"]["conv2.weight"]
