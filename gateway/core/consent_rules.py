"""Whether what a customer has said is enough for a contact: the requirements of a policy against the statements."""

from collections.abc import Iterable

import msgspec

from gateway.core.call import UNREADABLE_SUBJECT, Call, Facts
from gateway.core.consents import Consent, latest
from gateway.core.policy.contacts import ConsentRequirement
from gateway.core.policy.vocabulary import Message, cited, duration_ms
from gateway.core.record import RuleLook


class ConsentRule(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement of the policy, resolved. Empty sets cover everything."""

    name: str
    channels: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    bases: frozenset[str] = frozenset({"consent"})
    by_contact_point: bool = True
    """Whether what was said of another contact point counts for nothing."""
    max_age_ms: int = 0
    """How long a consent counts; 0 for ever."""
    silence_ms: int = 0
    mode: str = "enforce"
    message: Message | None = None
    citation: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the customer stands to one contact. Times are milliseconds since the epoch; 0 where there is none."""

    status: str
    """"granted", "refused", "withdrawn", "expired" (given too long ago), "none", or "unknown" without the store."""
    since_ms: int = 0
    silent_until_ms: int = 0
    """Until when a refusal forbids every contact."""
    opens_ms: int = 0
    """When the contact may be made, where waiting is all that is missing."""
    said: Consent | None = None
    """The statement that lets the contact through; `None` where none does."""

    @property
    def suffices(self) -> bool:
        """Whether the contact may be made."""
        return self.status == "granted"


class Missing(msgspec.Struct, frozen=True):
    """A requirement that is not met, and how the customer stands to it."""

    rule: ConsentRule
    standing: Standing


def consent_rule(part: ConsentRequirement) -> ConsentRule:
    """The requirement of the document, resolved."""
    return ConsentRule(
        name=part.name,
        channels=frozenset(part.channels),
        categories=frozenset(part.categories),
        purposes=frozenset(part.purposes),
        bases=frozenset(part.bases),
        by_contact_point=part.by == "contact_point",
        max_age_ms=0 if part.max_age is None else duration_ms(part.max_age),
        silence_ms=0 if part.silence_after_refusal is None else duration_ms(part.silence_after_refusal),
        mode=part.mode,
        message=part.message,
        citation=cited(part.citation),
    )


def purpose_of(call: Call) -> str:
    """What the contact is for: its purpose, or its category where it names none."""
    return call.purpose or call.category


def look_at(
    rules: Iterable[ConsentRule], call: Call, *, facts: Facts, now_ms: int
) -> tuple[Missing | None, tuple[RuleLook, ...]]:
    """Of the enforced requirements that are not met the one that lasts longest, and a look for each that applies."""
    worst: Missing | None = None
    looks = []
    for rule in rules:
        if not _covers(rule, call):
            continue
        standing = standing_of(rule, call, facts=facts, now_ms=now_ms)
        effect = "allow" if standing.suffices else "deny"
        said = standing.said
        looks.append(
            RuleLook(
                rule=rule.name,
                effect=effect,
                mode=rule.mode,
                standing=standing.status,
                since_ms=standing.since_ms,
                until_ms=standing.opens_ms,
                basis="" if said is None else said.legal_basis,
                purpose="" if said is None else said.purpose,
                proof="" if said is None else said.proof,
            )
        )
        if not standing.suffices and rule.mode == "enforce":
            missing = Missing(rule, standing)
            worst = missing if worst is None or _outlasts(standing, worst.standing) else worst
    return worst, tuple(looks)


def standing_of(rule: ConsentRule, call: Call, *, facts: Facts, now_ms: int) -> Standing:
    """How the customer stands to the contact.

    A "no" stands until a newer consent on an accepted basis, and during the silence whatever comes after it. One that
    was said after `now_ms` stands as well, since clocks differ; a consent from the future does not count yet.
    """
    if facts is UNREADABLE_SUBJECT:
        return Standing(status="unknown")
    yes = latest(each for each in facts.consent_records if _lets(rule, each, call=call) and each.said_ms <= now_ms)
    no = latest(each for each in facts.consent_records if _stops(rule, each, call=call))
    given_ms = -1 if yes is None else yes.said_ms
    counts = yes is not None and not (rule.max_age_ms and now_ms - given_ms > rule.max_age_ms)
    if no is not None:
        ends_ms = no.said_ms + rule.silence_ms
        silent_until_ms = ends_ms if rule.silence_ms and now_ms < ends_ms else 0
        lifted = given_ms > no.said_ms
        if silent_until_ms or not lifted:
            fresh = counts and lifted and not (rule.max_age_ms and ends_ms - given_ms > rule.max_age_ms)
            opens_ms = silent_until_ms if fresh else 0
            return Standing(status=no.status, since_ms=no.said_ms, silent_until_ms=silent_until_ms, opens_ms=opens_ms)
    if yes is None:
        return Standing(status="none")
    if not counts:
        return Standing(status="expired", since_ms=given_ms)
    return Standing(status="granted", since_ms=given_ms, said=yes)


def _covers(rule: ConsentRule, call: Call) -> bool:
    by_channel = not rule.channels or call.channel in rule.channels
    by_category = not rule.categories or call.category in rule.categories
    return by_channel and by_category and (not rule.purposes or purpose_of(call) in rule.purposes)


def _lets(rule: ConsentRule, said: Consent, *, call: Call) -> bool:
    """Whether a statement lets the contact through, as far as it reaches."""
    fits = said.granted and said.legal_basis in rule.bases and said.channel == call.channel
    same_point = not rule.by_contact_point or said.contact_point in ("", call.contact_ref)
    return fits and same_point and said.purpose in ("", purpose_of(call))


def _stops(rule: ConsentRule, said: Consent, *, call: Call) -> bool:
    """Whether a statement is a "no" to the contact.

    Whoever refuses marketing refuses the newsletter too that is sent as marketing; and where a call does not say what
    for or where to, any "no" may be meant.
    """
    if said.granted or said.channel != call.channel:
        return False
    same_purpose = said.purpose in ("", call.purpose, call.category) or not purpose_of(call)
    same_point = not rule.by_contact_point or not call.contact_ref or said.contact_point in ("", call.contact_ref)
    return same_purpose and same_point


def _outlasts(one: Standing, other: Standing) -> bool:
    """Never is longer than any wait."""
    return other.opens_ms != 0 and (one.opens_ms == 0 or one.opens_ms > other.opens_ms)
