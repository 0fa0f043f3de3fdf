"""Small 2-D networks with the parameter names that Distiller's own schedules use."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from networks.plain import alexnet, mobilenet, resnext101, vgg
from networks.preact import preact_cifar, preact_imagenet
from networks.residual import cifar_resnet, imagenet_resnet

# the names of architectures in Distiller, and of the one that came from elsewhere
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet20_cifar": lambda: cifar_resnet(blocks=3),
    "resnet56_cifar": lambda: cifar_resnet(blocks=9),
    "plain20_cifar": lambda: cifar_resnet(blocks=3, shortcut=False),
    "preact_resnet20_cifar": preact_cifar,
    "preact_resnet18": preact_imagenet,
    "resnet18": lambda: imagenet_resnet(depth=18),
    "resnet50": lambda: imagenet_resnet(depth=50),
    "alexnet": alexnet,
    "alexnet_bn": lambda: alexnet(batchnorm=True),
    "vgg16_cifar": lambda: vgg(depth=16),
    "vgg19": lambda: vgg(depth=19),
    "mobilenet": mobilenet,
    "resnext101_32x4d(cadene)": resnext101,
}
IMAGE = (3, 32, 32)
N_CLASSES = 10
