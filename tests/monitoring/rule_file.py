"""A file of Prometheus' alert rules, decoded as strictly as Prometheus itself does it."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

Duration = Annotated[str, msgspec.Meta(pattern=r"^([0-9]+(ms|[smhdwy]))+$")]
Label = Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"hold": "for"}):
    """An alert. Prometheus knows recording rules too; here there are none."""

    alert: Annotated[str, msgspec.Meta(pattern=r"^Pilote[A-Z][A-Za-z]+$")]
    expr: Annotated[str, msgspec.Meta(min_length=1)]
    annotations: dict[Literal["summary", "description", "runbook_url"], Annotated[str, msgspec.Meta(min_length=10)]]
    labels: dict[Label, str]
    hold: Duration | None = None
    keep_firing_for: Duration | None = None


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules that are evaluated one after the other."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    rules: Annotated[tuple[Rule, ...], msgspec.Meta(min_length=1)]
    interval: Duration | None = None
    limit: int | None = None


class RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    groups: tuple[Group, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All of them."""
        return tuple(rule for group in self.groups for rule in group.rules)


def read(path: Path) -> RuleFile:
    """The file.

    Raises:
        msgspec.ValidationError: Prometheus would not take it.
    """
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), RuleFile)
