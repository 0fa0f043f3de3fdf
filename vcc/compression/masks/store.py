"""Masks as state: one per parameter, owned by the scheduler, applied again after every step.

Momentum and weight decay move pruned weights, so a mask that is applied only once does not hold.
Masks are bool tensors of the parameter's shape; True keeps. `None` masks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vcc.compression.engine.distributed import masks_from_rank_zero
from vcc.compression.masks.apply import mask_parameters_
from vcc.errors import ScheduleError

# Layer name -> which of its filters are masked, to 1-D parameter -> its mask, 1 = keep.
Joint = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]


@dataclass
class MaskState:
    """One parameter's mask and how it is used.

    Args:
        mask: keep mask, or None.
        forward_only: masked in the forward and backward pass only, so that pruned weights can grow.
        double_copies: the optimizer updates the unmasked weights.
        stash: the unmasked weights while the masked ones are in use.
        holds: the parameter is known to be masked right now.
        factor: the mask as 0 and 1 of the parameter's type; multiplying by it takes a third of the
            time that multiplying by a bool tensor does on a CPU, and every step does it.
    """

    mask: Tensor | None = None
    forward_only: bool = False
    double_copies: bool = False
    stash: Tensor | None = None
    holds: bool = False
    factor: Tensor | None = None
    _factor_of: Tensor | None = None

    def factor_for(self, parameter: Tensor) -> Tensor | None:
        """Return the mask in a parameter's type and on its device, or None where there is none."""
        if self.mask is None:
            self.factor = None
        elif self._factor_of is not self.mask or _place(self.factor) != _place(parameter):
            self.factor = self.mask.to(dtype=parameter.dtype, device=parameter.device)
        self._factor_of = self.mask
        return self.factor


class MaskStore:
    """The masks of all parameters of a network.

    Args:
        model: the network; its parameters are looked up by name each time, since thinning and
            quantizer insertion replace them.
        coupled: weight name -> names of 1-D parameters indexed by the same output channels (bias,
            BatchNorm scale and shift), masked with it where a whole filter is; see `mask_coupled`.
        joint: returns the masks of 1-D parameters that several filters own together, from which
            filters of a layer are masked (layer name -> bool [filters]).
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        coupled: Mapping[str, tuple[str, ...]] | None = None,
        joint: Joint | None = None,
    ) -> None:
        self.model = model
        self.coupled = dict(coupled or {})
        self._joint = joint
        self._joined: dict[str, MaskState] = {}
        self.parameters: dict[str, nn.Parameter] = {}
        self.states: dict[str, MaskState] = {}
        self._followers: dict[str, MaskState] = {}
        self._hooks: dict[str, RemovableHandle] = {}
        self.refresh()

    def refresh(self, slice_mask: Callable[[str, Tensor], Tensor] | None = None) -> None:
        """Look the parameters up again after the network's structure changed.

        Args:
            slice_mask: cuts a mask of a named parameter to the channels that stayed.
        """
        before = self.parameters
        self.parameters = dict(self.model.named_parameters())
        self.states = {name: self.states.get(name, MaskState()) for name in self.parameters}
        for name, state in self.states.items():
            if slice_mask is not None and state.mask is not None:
                state.mask = slice_mask(name, state.mask)
        self.invalidate()
        replaced = [
            name for name in self._hooks if self.parameters.get(name) is not before.get(name)
        ]
        self.unmask_gradients(replaced)
        self.mask_gradients(name for name in replaced if name in self.parameters)
        for name, state in self._joined.items():
            if slice_mask is not None and state.mask is not None:
                state.mask = slice_mask(name, state.mask)
        self._joined = {n: state for n, state in self._joined.items() if n in self.parameters}
        self._recouple()

    def make_permanent(self) -> None:
        """Mask all weights now, and forget the dense ones: what is masked is about to leave."""
        for _, state in self._all():
            state.stash = None
        self.apply_once(self.states)

    def recouple(self) -> None:
        """Compute the masks of coupled parameters again from those of the filters."""
        self._recouple()
        self._join()

    def _recouple(self) -> None:
        self._followers.clear()
        for name in self.coupled:
            if name in self.states:
                self._couple(name)

    @property
    def masks(self) -> dict[str, Tensor | None]:
        """Parameter name -> keep mask or None."""
        return {name: state.mask for name, state in self.states.items()}

    def set(self, name: str, mask: Tensor | None) -> None:
        """Replace a parameter's mask, on this process only."""
        self._set(name, mask)
        self._join()

    def _set(self, name: str, mask: Tensor | None) -> None:
        state = self.states[name]
        if mask is not None:
            mask = mask.to(device=self.parameters[name].device, dtype=torch.bool)
        state.mask = mask
        state.holds = False
        if name in self.coupled:
            self._couple(name)

    def set_computed(self, masks: Mapping[str, Tensor], *, among: Sequence[str]) -> None:
        """Replace masks by newly computed ones; under DDP rank 0's are taken.

        Args:
            masks: parameter name -> keep mask.
            among: the names that masks may have been computed for, in an order that all ranks
                share.
        """
        for name, mask in masks_from_rank_zero(masks, among, like=self.parameters).items():
            self._set(name, mask)
        self._join()

    def configure(self, names: Iterable[str], *, forward_only: bool, double_copies: bool) -> None:
        """Set how the masks of some parameters are used."""
        for name in names:
            state = self.states[name]
            state.forward_only, state.double_copies = forward_only, double_copies
            state.holds = False

    def apply_for_forward(self) -> None:
        """Mask every parameter, stashing the dense weights of those with double copies."""
        for name, state in self._all():
            if state.holds:
                continue
            data = self.parameters[name].data
            factor = state.factor_for(data)
            if factor is None:
                continue
            if state.double_copies and state.stash is None:
                state.stash = data.clone()
            data.mul_(factor)
            state.holds = not state.forward_only and not state.double_copies

    def restore_dense(self) -> None:
        """Give the optimizer the unmasked weights of parameters with double copies."""
        for name, state in self._all():
            if state.stash is not None:
                self.parameters[name].data.copy_(state.stash)
                state.stash = None

    def apply_after_step(self) -> None:
        """Mask every parameter again, except those that are masked in the forward pass only."""
        weights, factors = [], []
        for name, state in self._all():
            factor = None if state.forward_only else state.factor_for(self.parameters[name])
            if factor is not None:
                weights.append(self.parameters[name].data)
                factors.append(factor)
                state.holds = True
        if weights:
            torch._foreach_mul_(weights, factors)

    def invalidate(self) -> None:
        """Forget which parameters are known to be masked: someone may have changed them."""
        for _, state in self._all():
            state.holds = False

    def apply_once(self, names: Iterable[str]) -> None:
        """Mask some parameters now, and what is coupled to them."""
        for name in names:
            for target, state in self._with_followers(name):
                if state.mask is not None:
                    self.parameters[target].data.mul_(state.mask)
        for target, state in self._joined.items():
            if state.mask is not None:
                self.parameters[target].data.mul_(state.mask)

    def apply_to(self, model: nn.Module) -> None:
        """Mask another network with the same parameter names, such as averaged weights."""
        mask_parameters_(model, {name: state.mask for name, state in self._all()})

    def mask_gradients(self, names: Iterable[str]) -> None:
        """Multiply the gradients of some parameters by their masks until `unmask_gradients`."""
        for name in names:
            if name not in self._hooks:
                state = self.states[name]
                self._hooks[name] = _hook_gradient(self.parameters[name], state)

    def unmask_gradients(self, names: Iterable[str]) -> None:
        """Stop masking gradients."""
        for name in names:
            hook = self._hooks.pop(name, None)
            if hook is not None:
                hook.remove()

    def state_dict(self) -> dict[str, Any]:
        """Return masks and flags as plain containers of tensors."""
        return {
            "masks_dict": {name: state.mask for name, state in self.states.items()},
            "flags": {
                name: {"forward_only": state.forward_only, "double_copies": state.double_copies}
                for name, state in self.states.items()
            },
            "stash": {
                name: state.stash for name, state in self.states.items() if state.stash is not None
            },
            "gradients_masked": sorted(self._hooks),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take saved masks; every name and shape must fit the network.

        Raises:
            ScheduleError: a mask of an unknown parameter or of another shape.
        """
        for name, mask in saved["masks_dict"].items():
            self._check_fit(name, mask)
            self.states[name] = MaskState(
                **saved.get("flags", {}).get(name, {}), stash=saved.get("stash", {}).get(name)
            )
            if mask is not None:
                device = self.parameters[name].device
                self.states[name].mask = mask.to(device=device, dtype=torch.bool)
        self.recouple()
        self.unmask_gradients(list(self._hooks))
        self.mask_gradients(saved.get("gradients_masked", []))

    def _check_fit(self, name: str, mask: Tensor | None) -> None:
        if name not in self.states:
            msg = f"saved mask {name!r} fits no parameter: resume with the network of then"
            raise ScheduleError(msg)
        shape = self.parameters[name].shape
        if mask is not None and mask.shape != shape:
            msg = (
                f"saved mask {name!r} is {tuple(mask.shape)}, the parameter {tuple(shape)}: "
                "rebuild the thinned network before loading the state"
            )
            raise ScheduleError(msg)

    def _all(self) -> list[tuple[str, MaskState]]:
        return [*self.states.items(), *self._followers.items(), *self._joined.items()]

    def _with_followers(self, name: str) -> list[tuple[str, MaskState]]:
        followers = [(target, self._followers.get(target)) for target in self.coupled.get(name, ())]
        found = [(target, state) for target, state in followers if state is not None]
        return [(name, self.states[name]), *found]

    def _join(self) -> None:
        """Mask the 1-D parameters that masked filters own together."""
        self._joined.clear()
        if self._joint is None:
            return
        known = (name for name in self.coupled if name in self.states)
        alive = {name: _filters_alive(self.states[name].mask) for name in known}
        masked = {
            name.removesuffix(".weight"): ~keep.cpu()
            for name, keep in alive.items()
            if keep is not None and not bool(keep.all())
        }
        if not masked:
            return
        leader = self.states[f"{next(iter(masked))}.weight"]
        for name, mask in self._joint(masked).items():
            if name in self.parameters and name not in self._followers:
                self._joined[name] = MaskState(
                    mask=mask.to(self.parameters[name].device),
                    forward_only=leader.forward_only,
                    double_copies=leader.double_copies,
                )

    def _couple(self, changed: str) -> None:
        """Mask the 1-D parameters that belong to filters that are masked as a whole."""
        leaders: dict[str, list[str]] = {}
        for leader, targets in self.coupled.items():
            for target in targets:
                leaders.setdefault(target, []).append(leader)
        for target in self.coupled[changed]:
            if target not in self.parameters:
                continue
            keeps = [
                _filters_alive(self.states[leader].mask)
                for leader in leaders[target]
                if leader in self.states
            ]
            alive = [keep for keep in keeps if keep is not None and not bool(keep.all())]
            if not alive:
                self._followers.pop(target, None)
                continue
            leader_state = self.states[changed]
            self._followers[target] = MaskState(
                mask=torch.stack(alive).all(dim=0),
                forward_only=leader_state.forward_only,
                double_copies=leader_state.double_copies,
            )


def _place(tensor: Tensor | None) -> tuple[torch.dtype, torch.device] | None:
    return None if tensor is None else (tensor.dtype, tensor.device)


def _filters_alive(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask.flatten(1).any(dim=1)


def _hook_gradient(parameter: nn.Parameter, state: MaskState) -> RemovableHandle:
    def hook(gradient: Tensor) -> Tensor | None:
        return None if state.mask is None else gradient * state.mask

    handle: RemovableHandle = parameter.register_hook(hook)  # type: ignore[no-untyped-call]
    return handle
