"""An item of the queue as people may see it: nothing of what others have said, until all is said. Pure."""

import datetime as dt

import msgspec

from services.control.times import at, known
from services.reviews.item import Item, State, Why
from services.reviews.store import Lease


class AnswerShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What somebody has said."""

    label: str
    corrected: str
    """The verdict that it should have had; empty where it was right, or nobody can tell."""
    text: str
    by: str
    """Empty for whom one may not know."""
    time: dt.datetime
    took_ms: int
    """From being shown the decision to the answer."""


class ReviewShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision to judge. It holds no personal data beyond what people have written."""

    name: str
    """`reviews/{tenant}/{review}`."""
    tenant: str
    decision: str
    """`decisions/{decision}`."""
    agent: str
    model_version: str
    verdict: str
    state: str
    """OPEN; DISPUTED: two do not agree, and a third decides; SETTLED."""
    create_time: dt.datetime
    due_time: dt.datetime
    settle_time: dt.datetime | None
    why: str
    """RANDOM, RISK, DISAGREEMENT, FLAGGED or KNOWN. Empty to whom that is not told: until it is settled nobody is."""
    outcome: str
    """What it came to: RIGHT, WRONG_SHOULD_ALLOW, WRONG_SHOULD_DENY or UNCLEAR; empty while it is not settled."""
    corrected: str
    """The verdict that it should have had, by the outcome."""
    known: bool
    """Whether its answer was known beforehand; told when it is settled."""
    answers: tuple[AnswerShown, ...]
    """Of a settled one to those who have judged it, or who set the rules of reviews; of a disputed one, without names,
    to the one who decides."""
    findings: tuple[str, ...]
    """`findings/{tenant}/{finding}` that it was flagged for; told as its answers are."""
    holder: str
    """Who looks at it now; empty: nobody."""
    lease_expire_time: dt.datetime | None


def name_of(item: Item) -> str:
    """Its resource name."""
    return f"reviews/{item.tenant}/{item.id}"


def shown(item: Item, lease: Lease | None, *, to: str, sets: bool) -> ReviewShown:
    """It as somebody may see it; `sets` says whether they set the rules, and judge nothing themselves."""
    settled = item.state is State.SETTLED
    took_part = any(each.by == to for each in item.answers)
    open_to = settled and (took_part or sets)
    decides = item.state is State.DISPUTED and lease is not None and lease.holder == to and not took_part
    told = item.answers if open_to or decides else tuple(each for each in item.answers if each.by == to)
    return ReviewShown(
        name=name_of(item),
        tenant=item.tenant,
        decision=f"decisions/{item.decision}",
        agent=item.agent,
        model_version=item.model_version,
        verdict=item.verdict,
        state=item.state.value if settled or not took_part else State.OPEN.value,
        create_time=at(item.created_ms),
        due_time=at(item.due_ms),
        settle_time=known(item.settled_ms),
        why=item.why.value if open_to else "",
        outcome=item.outcome.value if open_to and item.outcome is not None else "",
        corrected=item.corrected if open_to else "",
        known=open_to and item.why is Why.KNOWN,
        answers=tuple(
            AnswerShown(
                label=each.label.value,
                corrected=each.corrected,
                text=each.text,
                by=each.by if open_to or each.by == to else "",
                time=at(each.at_ms),
                took_ms=each.took_ms,
            )
            for each in told
        ),
        findings=tuple(each.finding for each in item.flags if each.finding) if open_to else (),
        holder=lease.holder if lease else "",
        lease_expire_time=at(lease.until_ms) if lease else None,
    )
