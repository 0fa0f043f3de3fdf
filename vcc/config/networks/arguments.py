"""Options of networks that other packages build, and of whom to trust with that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from vcc.config.networks.builders import is_builder, read_builder
from vcc.config.options import Options, option
from vcc.errors import ConfigError, ModelError, nearest
from vcc.json_keys import keys_once


@dataclass(frozen=True, kw_only=True)
class TrustOptions(Options):
    """Whose code may build the networks of checkpoints."""

    trust: tuple[str, ...] = option(
        (),
        "packages whose networks checkpoints may have built here, beside those in VCC_TRUST; "
        "python: in model trusts its package",
    )


@dataclass(frozen=True, kw_only=True)
class BuilderOptions(TrustOptions):
    """What a factory is given, and whose code may run.

    Raises:
        ConfigError: `model_args` is no JSON object.
    """

    model_args: str | None = option(
        None, 'torchvision:, python: the factory\'s arguments, a JSON object such as {"depth": 18}'
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.arguments()

    def arguments(self) -> dict[str, Any]:
        """Return the factory's arguments by name."""
        return read_arguments(self.model_args)


def read_arguments(text: str | None, *, option_name: str = "model_args") -> dict[str, Any]:
    """Return the arguments that an option holds as JSON.

    Raises:
        ConfigError: it is no JSON object.
    """
    if text is None:
        return {}
    try:
        found = json.loads(text, object_pairs_hook=keys_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        msg = f'{option_name}: {text!r} is not JSON ({error}): write {{"depth": 18}}'
        raise ConfigError(msg) from None
    if not isinstance(found, dict):
        msg = f'{option_name}: {text!r} is no JSON object: write {{"depth": 18}}'
        raise ConfigError(msg)
    return found


def _no_number(name: str) -> Any:
    msg = f"{name} is no number"
    raise ValueError(msg)


def refuse_builder_options(options: Options, names: tuple[str, ...]) -> None:
    """Refuse what only builders take where the network is a family's.

    Raises:
        ConfigError: one of the options named is set.
    """
    for name in names:
        if getattr(options, name) is not None:
            msg = f"{name}: is for model=torchvision:NAME and model=python:... alone: leave it out"
            raise ConfigError(msg)


def known_model(model: str, families: tuple[str, ...], *, option_name: str = "model") -> None:
    """Refuse a name that is neither a family's nor a builder's.

    Raises:
        ConfigError: it is neither; the message has the nearest family.
    """
    if is_builder(model):
        try:
            read_builder(model)
        except ModelError as error:
            msg = str(error).replace("model:", f"{option_name}:", 1)
            raise ConfigError(msg) from None
    elif model not in families:
        msg = (
            f"{option_name}: {model!r} is not one of {', '.join(families)}, torchvision:NAME, "
            f"python:PACKAGE.MODULE:FACTORY: {nearest(model, families)}"
        )
        raise ConfigError(msg)
