"""What is probed, as probes ask it: calls in, and what comes of each out."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a call."""

    verdict: str = ""
    """Of a policy; empty of a model."""
    reason: str = ""
    rule: str = ""
    message: str = ""
    """The refusal's words in English and French, which hold nothing of a request."""
    record: tuple[str, ...] = ()
    """Texts in its record that nobody has to be a token."""
    log: str = ""
    """Its log line."""
    answer: Any = None
    """Of a model: its answer as plain data."""


class Unaskable(Exception):
    """The call cannot be made: the suite does not fit what is probed. `code` is a text of `services.probes.texts`."""

    def __init__(self, code: str, /, **values: str) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Target(Protocol):
    """A policy, or a version of a model."""

    @property
    def kind(self) -> Literal["policy", "version"]:
        """Which of the two."""

    @property
    def name(self) -> str:
        """What people call it: "policy.yaml", "revision 7", "lead-score/2"."""

    @property
    def digest(self) -> str:
        """What stands for exactly this one."""

    def ask(self, call: Mapping[str, Any]) -> Came:
        """Make the call.

        Raises:
            Unaskable: it cannot be made.
        """
