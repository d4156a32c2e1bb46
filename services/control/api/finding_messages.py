"""What the operations about findings are asked with, and what they answer."""

import datetime as dt
from typing import Annotated, Literal

import msgspec

from services.control.findings.shown import FindingShown
from services.findings.changing import Wanted
from services.findings.finding import State


class FindingsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Findings, the gravest first."""

    findings: tuple[FindingShown, ...]
    next_page_token: str = ""


class ChangeFinding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is to become of a finding; what is not given stays."""

    state: Literal["OPEN", "ACCEPTED", "RESOLVED", "DISMISSED"] | None = None
    """ACCEPTED: somebody has taken it on, by default whoever asks. RESOLVED: it is mended, and opens again where it is
    seen later. DISMISSED: it is as it should be, and opens again only where it becomes clearly worse."""
    owner: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    """Who looks after it; empty: nobody."""
    due_time: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    """By when, from now on."""
    text: str = ""
    """Why: up to 1000 characters. The log keeps it, so name no customer."""

    def wanted(self) -> Wanted:
        """The same as the domain takes it."""
        due_ms = None if self.due_time is None else round(self.due_time.timestamp() * 1_000)
        state = None if self.state is None else State(self.state)
        return Wanted(state=state, owner=self.owner, due_ms=due_ms, text=self.text)


class CommentFinding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says about a finding."""

    text: str
    """1 to 1000 characters. The log keeps it, so name no customer."""


class LinkFinding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was made of a finding."""

    kind: Literal["draft", "probe", "stop", "event"]
    name: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,300}\Z")]
    """Its resource name, such as `stops/acme/agent=sales-bot`."""


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """A draft of the policy that was made of a finding."""

    finding: FindingShown
    draft: str
    """`policy-drafts/{draft}`."""


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """A suite of probes that was made of a finding."""

    finding: FindingShown
    probe: str
    """`probes/{tenant}/{suite}`."""
