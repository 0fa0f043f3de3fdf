"""Somebody else's network as a `VideoNetwork`, under the names that its own tensors have."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models.network import VideoNetwork
from vcc.models.spec import ModelSpec

# What a module keeps its parts in: the wrapper and the network have them in common.
_PARTS = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set")
_OWN = ("spec", "head_name", "wrapped")


class WrappedNetwork(VideoNetwork):
    """A network that was not written for this project.

    It is no child of the wrapper, which would put a prefix before every name: the two share their
    parts. A layer that is replaced in one is replaced in the other.

    Attributes:
        wrapped: the network itself.

    Raises:
        ModelError: a part of the network has a name that the wrapper needs.
    """

    wrapped: nn.Module

    def __init__(self, spec: ModelSpec, wrapped: nn.Module, *, head_name: str) -> None:
        super().__init__(spec)
        for name in _OWN:
            if any(name in wrapped.__dict__[parts] for parts in _PARTS[:3]):
                msg = f"{spec.family}: its layer or tensor {name!r} needs another name here"
                raise ModelError(msg)
        self.head_name = head_name
        for parts in _PARTS:
            self.__dict__[parts] = wrapped.__dict__[parts]
        # Past nn.Module's own way of setting, which would make it a child.
        self.__dict__["wrapped"] = wrapped

    def train(self, mode: bool = True) -> WrappedNetwork:
        """Set training or evaluation mode, of the network's own code as well."""
        super().train(mode)
        self.wrapped.training = mode
        return self

    def forward(self, clips: Tensor) -> Any:
        """Return what the network does: logits [N,n_classes] for clips [N,3,T,H,W]."""
        return self.wrapped(clips)
