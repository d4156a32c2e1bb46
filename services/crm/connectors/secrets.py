"""The secrets and variables that a connector's file names: read from the environment or from files, never shown."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from services.crm.connectors.descriptor import Descriptor

MOST_BYTES: Final = 16_384
_UNSENDABLE: Final = re.compile(r"[\x00-\x1f\x7f]")


class SecretMissing(Exception):
    """A secret or variable has no usable value. Says its name and where it was looked for, never a value."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key = key
        """Of `services.crm.connectors.texts`."""
        self.values = values


class Secrets:
    """Gives secrets by name. A file is read each time, so that one which is changed counts at once."""

    def __init__(self, descriptor: Descriptor, environment: Mapping[str, str]) -> None:
        self._secrets = descriptor.secrets
        self._environment = environment
        self.variables: Final = dict(_variables(descriptor, environment))
        """By name."""

    def get(self, name: str) -> str:
        """The secret, or the variable, of that name.

        Raises:
            SecretMissing: there is none.
        """
        if name in self.variables:
            return self.variables[name]
        secret = self._secrets[name]
        if secret.env is not None:
            value, where = self._environment.get(secret.env, ""), secret.env
        else:
            value, where = _read(Path(secret.file or "")), secret.file or ""
        # A line break within would begin a header of its own.
        if not value or _UNSENDABLE.search(value) or not value.isascii():
            raise SecretMissing("secret-missing", name=name, where=where)
        return value

    def all(self) -> dict[str, str]:
        """Every secret by name.

        Raises:
            SecretMissing: one of them is not there.
        """
        return {name: self.get(name) for name in self._secrets}


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode().strip()
    except (OSError, ValueError):
        return ""


def _variables(descriptor: Descriptor, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, variable in descriptor.variables.items():
        value = environment.get(variable.env) or variable.default
        if value is None or not re.fullmatch(variable.pattern, value):
            raise SecretMissing("variable-missing", name=name, where=variable.env, pattern=variable.pattern)
        yield name, value
