"""What the families have in common: the record of how they were built, and their head."""

from __future__ import annotations

from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models.spec import ModelSpec


class VideoNetwork(nn.Module):
    """A classifier of clips: float [N,3,T,H,W], already normalised, to logits [N,n_classes].

    Attributes:
        spec: how it was built.
        head_name: dotted name of the last layer, the one that fine-tuning replaces.
    """

    head_name: str
    spec: ModelSpec

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec

    @classmethod
    def name_today(cls, name: str) -> str:
        """Return the name here of a tensor of a published file: another one in few families."""
        return name


def head_of(network: VideoNetwork) -> nn.Linear | nn.Conv3d:
    """Return the classifier, from features to logits: a linear layer, or a convolution.

    It is no attribute of the network, whose own layers may be called `head`.

    Raises:
        ModelError: it is another kind of layer.
    """
    head = network.get_submodule(network.head_name)
    if not isinstance(head, nn.Linear | nn.Conv3d):
        msg = (
            f"the head {network.head_name} is a {type(head).__name__}, neither a linear layer nor "
            f"a convolution: change the head before the network is quantized"
        )
        raise ModelError(msg)
    return head


def network_of(model: nn.Module) -> VideoNetwork:
    """Return the classifier itself, also when it is wrapped (`network`, `module`, `_orig_mod`).

    Raises:
        ModelError: there is no network of this package in it.
    """
    inner: nn.Module | None = model
    while inner is not None and not isinstance(inner, VideoNetwork):
        children = dict(inner.named_children())
        inner = next(
            (children[name] for name in ("network", "module", "_orig_mod") if name in children),
            None,
        )
    if inner is None:
        msg = f"{type(model).__name__} was not built by vcc.models.build_model: it has no spec"
        raise ModelError(msg)
    return inner


def init_weights(model: nn.Module) -> None:
    """Initialise as the published code does: Kaiming normal by fan-out, BatchNorm the identity."""
    for module in model.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm3d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def pool_features(features: Tensor) -> Tensor:
    """Return the mean [N,C] of features [N,C,T,H,W] over time and space."""
    return nn.functional.adaptive_avg_pool3d(features, 1).flatten(1)
