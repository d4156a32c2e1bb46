"""The log that the vault is noted in, and hears erasures from."""

from tests.services.workbench.conftest import log

__all__ = ("log",)
