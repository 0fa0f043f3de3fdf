"""Plans: what is quantized in a network; applied here, and read back from a network.

In `arch.json`:

{"target": "cpu",
 "overflow":    "safe",                   # or "fast", see config.overflow; absent: fast
 "layers":      {"conv1": {"weight": {...}, "input": {...}, "output": {...}, "bias": {...}}},
 "entries":     {"layer1.0": {...}},      # a block's input, shared by its shortcut
 "activations": {"relu": {...}}}          # ReLUs that clip and quantize
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from vcc.config.overflow import FAST, SAFE
from vcc.errors import ModelError
from vcc.models.architecture import Section, register_section
from vcc.models.quantized.arithmetic import ASYMMETRIC_UNSIGNED
from vcc.models.quantized.modules import (
    ActivationQuantizer,
    ClippedActivation,
    QuantConv2d,
    QuantConv3d,
    QuantLinear,
    _Quantized,
)
from vcc.models.quantized.plan_parts import (
    ActivationPlan,
    ClipPlan,
    LayerPlan,
    QuantizationPlan,
    WeightPlan,
)
from vcc.models.quantized.weight import WeightQuantizer

ENTRY = "entry_quantizer"
_CLASSES: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: QuantConv2d,
    nn.Conv3d: QuantConv3d,
    nn.Linear: QuantLinear,
}
QUANTIZABLE = tuple(_CLASSES)
_COMPUTING = ("forward", "_conv_forward", "__call__")


def quantized_class(layer: nn.Module) -> type[nn.Module] | None:
    """Return the class of a layer's quantized form, None where it has none.

    A layer of a class that inherits is as its base where it computes as that does and its weight is
    a parameter: torchvision's `Conv3DSimple` only sets arguments.
    """
    kind = type(layer)
    for base, quantized in _CLASSES.items():
        inherits = all(getattr(kind, m, None) is getattr(base, m, None) for m in _COMPUTING)
        # A method of this one layer's own would be kept, and the quantizers passed by.
        inherits = inherits and not set(_COMPUTING) & set(vars(layer))
        if issubclass(kind, base) and inherits and "weight" in layer._parameters:
            return quantized
    return None


def float_layers(model: nn.Module) -> tuple[str, ...]:
    """Return the convolutions and linear layers whose weights are not quantized."""
    return tuple(
        name
        for name, module in model.named_modules()
        if isinstance(module, _ConvNd | nn.Linear)
        and not isinstance(module._modules.get("weight_quantizer"), WeightQuantizer)
    )


def apply_plan(model: nn.Module, plan: QuantizationPlan) -> None:
    """Put a plan's quantizers into a network; parameters stay the same objects.

    Raises:
        ModelError: the plan names a module that is not there or cannot be quantized.
    """
    for name, layer in plan.layers.items():
        _replace(model, name, _quantized_layer(_find(model, name), name, layer))
    for name, entry in plan.entries.items():
        module = _find(model, name)
        module.add_module(ENTRY, _on_device_of(model, ActivationQuantizer(entry)))
        module.register_forward_pre_hook(_quantize_entry)
    for name, clip in plan.activations.items():
        _find(model, name)
        _replace(model, name, _on_device_of(model, ClippedActivation(clip)))
    model.quantization_target = plan.target  # type: ignore[assignment]
    model.quantization_overflow = plan.overflow  # type: ignore[assignment]


def read_plan(model: nn.Module) -> QuantizationPlan | None:
    """Return the plan of a quantized network, or None for one without quantizers."""
    layers: dict[str, LayerPlan] = {}
    entries: dict[str, ActivationPlan] = {}
    activations: dict[str, ClipPlan] = {}
    for name, module in model.named_modules():
        if isinstance(module, _Quantized) and _own_quantizers(module):
            layers[name] = _layer_plan(module)
        elif isinstance(module, ClippedActivation):
            activations[name] = module.plan
        entry = module._modules.get(ENTRY)
        if isinstance(entry, ActivationQuantizer):
            entries[name] = entry.plan
    if not layers and not entries and not activations:
        return None
    return QuantizationPlan(
        target=getattr(model, "quantization_target", "cpu"),
        overflow=getattr(model, "quantization_overflow", FAST),
        layers=layers,
        entries=entries,
        activations=activations,
    )


def describe_quantizers(model: nn.Module) -> dict[str, object] | None:
    """Return the plan of a network as JSON data, or None for one without quantizers."""
    plan = read_plan(model)
    return None if plan is None else plan.to_json()


def rebuild_quantizers(model: nn.Module, data: Mapping[str, object]) -> None:
    """Put the quantizers into a network that `describe_quantizers` said.

    Raises:
        ModelError: the data are no plan, or one of another network.
    """
    apply_plan(model, QuantizationPlan.from_json(data))


def overflow_of_network(model: nn.Module) -> str | None:
    """Return "safe" where no int8 weight can overflow a pair of products, "fast" where one can.

    None for a network without quantizers, and for one whose integers are not for CPUs.
    """
    plan = read_plan(model)
    if plan is None or plan.target != "cpu":
        return None
    quantizers = [module for module in model.modules() if isinstance(module, WeightQuantizer)]
    return SAFE if all(quantizer.is_safe() for quantizer in quantizers) else FAST


def reads_signed_integers(model: nn.Module) -> bool:
    """Return whether a network's layers read int8, around zero, and not uint8."""
    return any(each.mode != ASYMMETRIC_UNSIGNED for each in activation_quantizers(model).values())


def activation_quantizers(model: nn.Module) -> dict[str, ActivationQuantizer]:
    """Return the quantizers of activations by module name."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, ActivationQuantizer)
    }


def quantizers_by_layer(model: nn.Module) -> dict[str, dict[str, nn.Module]]:
    """Return layer -> its quantizers by attribute: what goes back to float together.

    A convolution or linear layer has those of its input, weight, bias and output; a block has that
    of the input which its shortcut shares.
    """
    owned = {name: _own_quantizers(module) for name, module in model.named_modules()}
    return {name: parts for name, parts in owned.items() if parts}


def set_quantizers(model: nn.Module, name: str, quantizers: Mapping[str, nn.Module] | None) -> None:
    """Take a layer's quantizers off (None), or put back those that `quantizers_by_layer` found."""
    module = _find(model, name)
    if quantizers is not None:
        module._modules.update(quantizers)
        return
    for key in _own_quantizers(module):
        module._modules[key] = None


def _own_quantizers(module: nn.Module) -> dict[str, nn.Module]:
    keys = [ENTRY]
    if isinstance(module, _Quantized):
        keys = [f"{part}_quantizer" for part in ("input", "weight", "bias", "output")]
    own = {key: module._modules.get(key) for key in keys}
    return {
        key: part
        for key, part in own.items()
        if isinstance(part, ActivationQuantizer | WeightQuantizer)
    }


def _layer_plan(layer: _Quantized) -> LayerPlan:
    def weight(name: str) -> WeightPlan | None:
        quantizer = layer._modules.get(f"{name}_quantizer")
        return quantizer.plan if isinstance(quantizer, WeightQuantizer) else None

    def activation(name: str) -> ActivationPlan | None:
        quantizer = layer._modules.get(f"{name}_quantizer")
        return quantizer.plan if isinstance(quantizer, ActivationQuantizer) else None

    return LayerPlan(
        weight=weight("weight"),
        bias=weight("bias"),
        input=activation("input"),
        output=activation("output"),
    )


def _quantized_layer(layer: nn.Module, name: str, plan: LayerPlan) -> nn.Module:
    cls = quantized_class(layer)
    if cls is None:
        msg = f"{name} is a {type(layer).__name__}, which cannot be quantized"
        raise ModelError(msg)
    # the same hyperparameters and the same parameter objects, in a module of the other class
    quantized = cls.__new__(cls)
    nn.Module.__init__(quantized)
    children = {"_parameters", "_buffers", "_modules"}
    for key, value in layer.__dict__.items():
        quantized.__dict__[key] = dict(value) if key in children else value
    for key in ("weight", "bias", "input", "output"):
        part = plan.parts.get(key)
        made = None if part is None else _on_device_of(layer, _quantizer(part))
        quantized.add_module(f"{key}_quantizer", made)
    return quantized


def _quantizer(part: WeightPlan | ActivationPlan) -> nn.Module:
    return WeightQuantizer(part) if isinstance(part, WeightPlan) else ActivationQuantizer(part)


def _on_device_of(model: nn.Module, module: nn.Module) -> nn.Module:
    reference = next(model.parameters(), None)
    if reference is None or reference.is_meta:
        # A checkpoint's network has no data yet: what its file does not bring must have some.
        return module
    return module.to(reference.device)


def _find(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError as error:
        msg = f"the quantizers name the module {name!r}, which the network has not"
        raise ModelError(msg) from error


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    old = model.get_submodule(name)
    module.train(old.training)
    # a module used under two names is replaced under both
    for parent in list(model.modules()):
        for key, child in list(parent._modules.items()):
            if child is old:
                parent._modules[key] = module


def _quantize_entry(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    quantizer = module._modules.get(ENTRY)
    return None if quantizer is None else (quantizer(args[0]), *args[1:])


register_section(Section("quantizers", describe_quantizers, rebuild_quantizers))
