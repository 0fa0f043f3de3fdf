"""Which parameters a schedule means: exact names, with or without `module.`, and our selectors.

`re:PATTERN` matches whole parameter names, `type:Conv3d` the weights of modules of that class,
`kind:hidden` those of convolutions of a kind (`convolution_kinds`), and `*` every weight tensor
(two dimensions or more) in a list, every other parameter in a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from torch import nn
from torch.nn.modules.conv import _ConvNd

from vcc.errors import nearest
from vcc.models.layers import is_depthwise

Value = TypeVar("Value")
_SELECTOR = re.compile(r"(re|type|kind):(.*)", re.DOTALL)


def plain_name(name: str) -> str:
    """Return a parameter or module name without the `module` components of DataParallel."""
    return ".".join(part for part in name.split(".") if part != "module")


class NameResolver:
    """Finds a network's parameters by the names in a schedule.

    Args:
        model: the network.
    """

    def __init__(self, model: nn.Module) -> None:
        self.parameters = dict(model.named_parameters())
        self._by_plain_name = {plain_name(name): name for name in self.parameters}
        self._modules = dict(model.named_modules())

    def names(self, wanted: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """Return the parameters that a list stands for, in its order, and what is wrong with it."""
        found: dict[str, None] = {}
        problems = []
        for item in wanted:
            matches, problem = self._match(item)
            found.update(dict.fromkeys(matches))
            problems += [problem] if problem else []
        return tuple(found), problems

    def table(self, wanted: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
        """Return parameter name -> value; exact names win over selectors, and those over `*`.

        Among selectors the first that matches a parameter wins.
        """
        exact: dict[str, Value] = {}
        selected: dict[str, Value] = {}
        problems = []
        for key, value in wanted.items():
            if key == "*":
                continue
            matches, problem = self._match(key)
            problems += [problem] if problem else []
            target = selected if _SELECTOR.fullmatch(key) else exact
            for name in matches:
                target.setdefault(name, value)
        default = dict.fromkeys(self.parameters, wanted["*"]) if "*" in wanted else {}
        return {**default, **selected, **exact}, problems

    def _match(self, wanted: str) -> tuple[list[str], str]:
        if wanted == "*":
            return [name for name, value in self.parameters.items() if value.dim() > 1], ""
        selector = _SELECTOR.fullmatch(wanted)
        if selector is None:
            return self._exact(wanted)
        kind, pattern = selector.groups()
        if kind == "kind":
            return self._by_kind(pattern)
        return self._by_pattern(pattern) if kind == "re" else self._by_type(pattern)

    def _exact(self, wanted: str) -> tuple[list[str], str]:
        name = wanted if wanted in self.parameters else self._by_plain_name.get(plain_name(wanted))
        if name is not None:
            return [name], ""
        hint = nearest(plain_name(wanted), self._by_plain_name)
        return [], f"the network has no parameter {wanted!r}: {hint}"

    def _by_pattern(self, pattern: str) -> tuple[list[str], str]:
        try:
            expression = re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            return [], f"re:{pattern} is not a regular expression: {error}"
        found = [
            name
            for name in self.parameters
            if expression.fullmatch(name) or expression.fullmatch(plain_name(name))
        ]
        hint = nearest(pattern, self._by_plain_name)
        return found, "" if found else f"re:{pattern} matches no parameter of the network: {hint}"

    def _by_kind(self, kind: str) -> tuple[list[str], str]:
        kinds = convolution_kinds(self._modules)
        if kind not in kinds:
            return [], f"kind:{kind} is unknown: {nearest(kind, kinds)}"
        found = [name for name in kinds[kind] if name in self.parameters]
        return found, "" if found else f"kind:{kind}: the network has no such convolution"

    def _by_type(self, class_name: str) -> tuple[list[str], str]:
        found = []
        for module_name, module in self._modules.items():
            name = f"{module_name}.weight" if module_name else "weight"
            kinds = {cls.__name__ for cls in type(module).__mro__}
            if class_name in kinds and name in self.parameters:
                found.append(name)
        if found:
            return found, ""
        kinds_known = _classes_with_weights(self._modules.values())
        return (
            [],
            f"type:{class_name} matches no module: {nearest(class_name, kinds_known)}",
        )


def convolution_kinds(modules: Mapping[str, nn.Module]) -> dict[str, list[str]]:
    """Return kind -> weights: what one schedule means by a layer in networks of any family.

    `stem` is the first convolution, which reads the pixels; `depthwise` has a filter per channel;
    `hidden` is every other.

    Args:
        modules: name -> module, in the network's order.
    """
    kinds: dict[str, list[str]] = {"stem": [], "depthwise": [], "hidden": []}
    for name, module in modules.items():
        if isinstance(module, _ConvNd):
            other = "hidden" if kinds["stem"] else "stem"
            kind = "depthwise" if is_depthwise(module) else other
            kinds[kind].append(f"{name}.weight" if name else "weight")
    return kinds


def _classes_with_weights(modules: Iterable[nn.Module]) -> set[str]:
    return {type(module).__name__ for module in modules if _has_own_weight(module)}


def _has_own_weight(module: nn.Module) -> bool:
    own: dict[str, Any] = dict(module.named_parameters(recurse=False))
    return "weight" in own
