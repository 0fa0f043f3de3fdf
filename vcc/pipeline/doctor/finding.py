"""Something that does not fit together, and the commands that mend such things."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from vcc.pipeline.next_command import entry_command
from vcc.tracking.registry import Version


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was found.

    Attributes:
        where: URI of a version, name of a registered model, or a folder.
        what: is the matter with it.
        mend: the command that mends it.
        broken: whether something is wrong because of it; a remark otherwise.
    """

    where: str
    what: str
    mend: str
    broken: bool = True

    def lines(self) -> list[str]:
        """Return it as it is printed."""
        kind = "wrong" if self.broken else "remark"
        return [f"{kind:8}{self.where}: {self.what}", f"{'':8}mend: {self.mend}"]


def export_command(source: str) -> str:
    """Return the command that exports a registered checkpoint again."""
    return entry_command("export", {"source": source})


def promote_command(base: str, version: object) -> str:
    """Return the command that makes a version champion in all its forms.

    With `version=champion` and nothing else to do, it only repairs what was broken off.
    """
    return entry_command("promote", {"name": base, "version": version})


def delete_command(version: Version) -> str:
    """Return the command that takes a version out of the registry."""
    return client_command("delete_model_version", version.name, str(version.number))


def alias_command(name: str, alias: str, number: int | None) -> str:
    """Return the command that sets an alias by hand, or takes it away where the number is None."""
    if number is None:
        return client_command("delete_registered_model_alias", name, alias)
    return client_command("set_registered_model_alias", name, alias, str(number))


def client_command(function: str, *arguments: str) -> str:
    """Return the command that calls a function of MLflow's client."""
    shown = ", ".join(map(repr, arguments))
    return f"python -c {shlex.quote(f'import mlflow; mlflow.MlflowClient().{function}({shown})')}"
