"""What a family registers: its options, and the network that they make."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FamilyOptions

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork
    from vcc.models.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Family(FamilyOptions):
    """Base of every family: a subclass has the family's own options, and says what they build.

    @FAMILIES.register("wide")
    @dataclass(frozen=True, kw_only=True)
    class Wide(Family):
        factor: int = family_option(2, "how much wider", at_least=1)

        @classmethod
        def network(cls):
            from vcc.models.networks.wide import WideNet

            return WideNet
    """

    @classmethod
    @abstractmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network, whose arguments are a spec and the options by name.

        A family of vcc imports it here, and not before: `--help` has no time for torch.
        """

    def build(self, spec: ModelSpec) -> VideoNetwork:
        """Return a network of these options with fresh weights.

        Raises:
            ModelError: the options do not fit each other, or the clips.
        """
        make: Callable[..., VideoNetwork] = self.network()
        return make(spec, **self.as_dict())
