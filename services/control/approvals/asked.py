"""What is asked for and waits for a second person: its states, and which move is open to whom. Pure."""

from typing import Final, Literal

import msgspec

from services.control.access.rights import Right

Kind = Literal["erasure", "personal-export"]
"""Erase a customer, or give whoever asks a report of all that is recorded about one."""
State = Literal["waiting", "running", "agreed", "done", "refused", "withdrawn", "expired", "failed", "interrupted"]
"""Only time makes "expired", where nobody agreed, and "interrupted", where whoever carried it out has ended over it."""
RIGHTS: Final[dict[str, Right]] = {"erasure": Right.ERASE, "personal-export": Right.REPORT}
"""What one needs to ask for a kind, to agree to it, and to see it."""
DAY_MS: Final = 24 * 3_600_000
WAIT_MS: Final = 7 * DAY_MS
"""How long it waits for somebody to agree."""
FETCH_MS: Final = DAY_MS
"""How long a report can be fetched that was agreed to."""
RUN_MS: Final = 2 * 60_000
"""How long whoever carries it out has it to themselves: longer than an erasure may take."""
KEPT_MS: Final = 90 * DAY_MS
"""How long it is shown once it is over. What happened stays in the log."""


class Approval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is asked for. Times are milliseconds since the epoch."""

    id: str
    """A UUIDv7, 32 hexadecimal digits."""
    kind: Kind
    tenant: str
    """Whose customer; empty: of every tenant."""
    subject_ref: str
    """Pseudonym of the customer; of every tenant's, that of the tenant "*", under which nothing is recorded."""
    sealed: bytes = b""
    """The customer's resource name, sealed; only for as long as it is needed."""
    reason: str
    asked_by: str
    asked_ms: int
    expires_ms: int
    """Of what waits, and of what was agreed to and can be fetched."""
    state: State = "waiting"
    decided_by: str = ""
    decided_ms: int = 0
    comment: str = ""
    """Why they agreed or refused."""
    run_until_ms: int = 0
    """Of what is being carried out: when others may do it instead."""
    failure: str = ""
    """Of what failed: the reason."""
    keys: int = 0
    """Of an erasure: data keys that were destroyed. Likewise the next."""
    inputs: int = 0

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"approvals/{self.id}"

    def at(self, now_ms: int) -> State:
        """Its state by now."""
        if self.state in ("waiting", "agreed") and now_ms >= self.expires_ms:
            return "expired"
        if self.state == "running" and now_ms >= self.run_until_ms:
            return "interrupted"
        return self.state

    def may_be_fetched(self, *, by: str, now_ms: int) -> bool:
        """Whether it is a report that they asked for, and may fetch now, the first time or again."""
        agreed = self.kind == "personal-export" and self.state in ("agreed", "done")
        return agreed and self.asked_by == by and now_ms < self.expires_ms

    def told(self, now_ms: int) -> dict[str, object]:
        """What the log says of it: nothing that names the customer."""
        said = {
            "kind": self.kind,
            "subject_ref": self.subject_ref,
            "state": self.at(now_ms),
            "asked_by": self.asked_by,
            "decided_by": self.decided_by,
            "keys": self.keys,
            "inputs": self.inputs,
        }
        return {name: value for name, value in said.items() if value}


def ended(approval: Approval, state: State, **more: object) -> Approval:
    """It has come to that state, where nobody needs the customer's name any more."""
    return msgspec.structs.replace(approval, state=state, sealed=b"", run_until_ms=0, **more)


def begun(approval: Approval, *, now_ms: int) -> Approval:
    """Somebody carries it out."""
    return msgspec.structs.replace(approval, state="running", run_until_ms=now_ms + RUN_MS, failure="")
