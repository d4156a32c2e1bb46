"""Who may publish policies, and who must agree."""

from typing import Annotated, Literal

import msgspec

from gateway.core.policy.vocabulary import Name, Part, SuiteName

Role = Literal["values", "erase"]
"""What somebody may do besides publishing policies. "values": read what records say of people, see `records`. "erase":
have people erased, and what calls about them were decided by forgotten."""


class Person(Part, frozen=True, kw_only=True):
    """Somebody who writes or approves policies, known by their key. `pilote people new` makes one."""

    name: Name
    public_key: Annotated[str, msgspec.Meta(pattern=r"^ed25519:[0-9a-f]{64}\Z")]
    """"ed25519:" and 32 bytes in hexadecimal digits. The private key stays with the person."""
    may_write: bool = True
    may_approve: bool = True
    roles: tuple[Role, ...] = ()


LookAt = Literal["none", "plan", "backtest"]


class Approvals(Part, frozen=True, kw_only=True):
    """Who must agree before a revision becomes active. Where a policy names no people, nobody is asked."""

    required: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    """How many people other than the author."""
    look: LookAt = "none"
    """What must have been looked at before anybody agrees to a proposal. "plan": what it changes, and how many of the
    calls of late that touches. "backtest": also what it would have decided of recorded calls."""
    probes: tuple[SuiteName, ...] = ()
    """Suites of probes that exactly a new policy must have passed before it is proposed and becomes active. Those of
    the active policy count too. Going back to an earlier revision needs none."""
