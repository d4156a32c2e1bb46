"""What a customer has said about being contacted. Statements are only ever added; the last one that fits stands.

A statement is about one channel, and about one purpose and one contact point, or where these are empty about all. Times
are milliseconds since the epoch.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

import msgspec

Token = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,62}\Z")]
Status = Literal["granted", "refused", "withdrawn"]
Basis = Literal[
    "consent",
    "contract",
    "existing_customer",
    "legitimate_interest",
    "legal_obligation",
    "public_task",
    "vital_interest",
]
"""What the contact rests on (GDPR, article 6). "existing_customer" is the legitimate interest of a seller who offers
products like those that the customer has bought (CPCE, article L. 34-5, paragraph 4)."""


class Consent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One statement: that the customer may be contacted, refuses it, or has changed their mind."""

    channel: Token
    status: Status
    captured_ms: Annotated[int, msgspec.Meta(ge=0)]
    """When it was said; of a withdrawal, when the consent was given that is withdrawn."""
    purpose: Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9_.-]{0,62})?\Z")] = ""
    """Empty: every purpose."""
    contact_point: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?\Z")] = ""
    """Pseudonym of the contact point (`gateway.core.record.contact_ref`); empty: any of the customer's."""
    legal_basis: Basis = "consent"
    withdrawn_ms: Annotated[int, msgspec.Meta(ge=0)] = 0
    """When it was withdrawn; 0 for a statement that withdraws nothing."""
    proof: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Where the proof is found: the name of a form, a recording, a log entry. No personal datum."""

    @property
    def granted(self) -> bool:
        """Whether it lets the customer be contacted."""
        return self.status == "granted"

    @property
    def said_ms(self) -> int:
        """When it was said."""
        return self.withdrawn_ms or self.captured_ms


_ALIKE: Final = ("channel", "purpose", "contact_point", "legal_basis", "proof")


def latest(statements: Iterable[Consent]) -> Consent | None:
    """The last word among statements. Of two that were said at once, the one that does not let through."""
    return max(statements, key=lambda each: (each.said_ms, not each.granted), default=None)


def added(statements: Sequence[Consent], new: Consent) -> tuple[Consent, ...]:
    """The statements with one more; a repeat adds nothing."""
    return tuple(statements) if new in statements else (*statements, new)


def added_in_time(statements: Sequence[Consent], new: Consent) -> tuple[Consent, ...]:
    """The statements with one more, which its source may tell late and over and over, as with every page view.

    Of what one source says again and again the first time and the last are kept: neither who looks for the last word
    nor who asks since when it stands could tell the difference, whatever comes late in between.
    """
    own = sorted(
        {*(each for each in statements if _alike(each, new)), new}, key=lambda each: (each.said_ms, each.status)
    )
    kept = [
        each
        for before, each, after in zip([None, *own], own, [*own[1:], None], strict=False)
        if before is None or after is None or not before.status == each.status == after.status
    ]
    return (*(each for each in statements if not _alike(each, new)), *kept)


def said_at(statements: Sequence[Consent], new: Consent, *, now_ms: int) -> Consent:
    """`new` as said at `now_ms`; a withdrawal keeps the time at which the consent was given that it withdraws."""
    if new.status != "withdrawn":
        return msgspec.structs.replace(new, captured_ms=now_ms)
    given = latest(_answered(statements, new))
    return msgspec.structs.replace(new, captured_ms=now_ms if given is None else given.captured_ms, withdrawn_ms=now_ms)


def said_now(statements: Sequence[Consent], new: Consent, *, now_ms: int) -> Consent:
    """The same, but a "no" is never said before the consent that it answers, should a clock have run ahead."""
    answered = () if new.granted else _answered(statements, new)
    return said_at(statements, new, now_ms=max([now_ms, *(each.said_ms for each in answered)]))


def by_channel(statements: Sequence[Consent]) -> dict[str, bool]:
    """The last words as rules see them: by "channel" for all purposes, by "channel/purpose" for one.

    True where the last word for every contact point lets through. When a consent was given plays no part here.
    """
    found = {}
    for channel, purpose in dict.fromkeys((each.channel, each.purpose) for each in statements):
        met = [each for each in statements if each.channel == channel and each.purpose in ("", purpose)]
        points = {each.contact_point for each in met}
        last = [latest(each for each in met if each.contact_point in ("", point)) for point in points]
        found[f"{channel}/{purpose}" if purpose else channel] = all(each is not None and each.granted for each in last)
    return found


def _alike(one: Consent, other: Consent) -> bool:
    """Whether one source says both of the same contacts."""
    return all(getattr(one, name) == getattr(other, name) for name in _ALIKE)


def _answered(statements: Sequence[Consent], no: Consent) -> list[Consent]:
    """The consents that a "no" may be about."""
    return [each for each in statements if each.granted and _meet(each, no)]


def _meet(one: Consent, other: Consent) -> bool:
    """Whether two statements may be about the same contact."""
    pairs = ((one.purpose, other.purpose), (one.contact_point, other.contact_point))
    return one.channel == other.channel and all(not a or not b or a == b for a, b in pairs)
