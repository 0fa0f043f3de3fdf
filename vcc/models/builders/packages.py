"""Whether a package may build a network: trusted by name, from the environment, and unchanged.

Nothing is imported before its package was found to be trusted.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from vcc.config.networks.builders import Builder
from vcc.config.networks.trust import VARIABLE, trusted_packages
from vcc.errors import ModelError, one_line


def require_trust(builder: Builder, *, checkpoint: Path | None) -> None:
    """Refuse a package that the user did not name, or that came with the checkpoint.

    Args:
        builder: of kind `python`.
        checkpoint: the folder that asks for the package; None: the user does.

    Raises:
        ModelError: the package is not trusted, not installed, or lies in that folder.
    """
    package = builder.package
    if package not in trusted_packages():
        msg = (
            f"this network is built by the package {package!r}, whose code would run: if you trust "
            f"it, say so by trust={package} or the environment variable {VARIABLE}"
        )
        raise ModelError(msg)
    # Of a top-level name: looking for it imports nothing.
    found = importlib.util.find_spec(package)
    if found is None:
        msg = f"the package {package!r} is not installed in {sys.executable}: install it there"
        raise ModelError(msg)
    places = [found.origin, *(found.submodule_search_locations or ())]
    if checkpoint is not None:
        for place in filter(None, places):
            if Path(place).resolve().is_relative_to(checkpoint.resolve()):
                msg = (
                    f"the package {package!r} lies in the checkpoint's folder: code is taken from "
                    "the environment only: install the package there"
                )
                raise ModelError(msg)


def find_factory(builder: Builder) -> Callable[..., Any]:
    """Return the callable of a trusted package.

    Raises:
        ModelError: there is no such module or name, or it cannot be called.
    """
    try:
        module = importlib.import_module(builder.module)
    except Exception as error:  # whatever somebody else's module raises
        msg = f"{builder.module} cannot be imported ({_reason(error)})"
        raise ModelError(msg) from error
    factory = getattr(module, builder.factory, None)
    if not callable(factory):
        msg = f"{builder.module} has no function or class {builder.factory!r}"
        raise ModelError(msg)
    return factory  # type: ignore[no-any-return]


def source_digests(builder: Builder, factory: object, network: nn.Module) -> dict[str, str]:
    """Return module name to the SHA-256 of its file, for what of the package built a network.

    Those are the factory's module and the modules of its layers' classes. Functions that these
    call in other modules of the package are not followed.
    """
    modules = {builder.module, getattr(factory, "__module__", builder.module)}
    modules |= {type(module).__module__ for module in network.modules()}
    own = sorted(name for name in modules if name.partition(".")[0] == builder.package)
    return {name: _digest(name) for name in own}


def check_source(builder: Builder, known: Mapping[str, str]) -> None:
    """Refuse source that is another than a checkpoint's network was built by.

    Args:
        builder: of a trusted package.
        known: what `source_digests` returned then.

    Raises:
        ModelError: a module is missing, of another package, or has changed.
    """
    for name, digest in known.items():
        if name.partition(".")[0] != builder.package:
            msg = f"the architecture names a module {name!r} that is not of {builder.package}"
            raise ModelError(msg)
        now = _digest(name)
        if now != digest:
            msg = (
                f"{name} is not what it was when this network was trained (source {now[:12]}, not "
                f"{str(digest)[:12]}): install the version of {builder.package} of then, or train "
                "anew"
            )
            raise ModelError(msg)


def _digest(name: str) -> str:
    try:
        found = importlib.util.find_spec(name)
    except Exception as error:  # finding a module imports the packages that it is in
        msg = f"{name} cannot be found ({_reason(error)})"
        raise ModelError(msg) from error
    origin = found.origin if found else None
    if origin is None or not Path(origin).is_file():
        msg = f"{name} has no file to tell its version by: install its package"
        raise ModelError(msg)
    return hashlib.sha256(Path(origin).read_bytes()).hexdigest()


def _reason(error: Exception) -> str:
    return one_line(error, at_most=200)
