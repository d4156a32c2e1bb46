"""One decision that people are to judge: who may, what each has said, and what it comes to. Pure.

Two people judge a decision, each without knowing what the other says. Where they agree, that is the outcome; where they
do not, a third person sees both labels, without names, and decides. An item whose right answer is known beforehand
looks like any other one, and its outcome is what is known.
"""

import hashlib
from enum import StrEnum
from typing import Final

import msgspec

MOST_CHARACTERS: Final = 1_000
"""Of what somebody says about a decision."""


class Label(StrEnum):
    """What somebody says of a decision."""

    RIGHT = "RIGHT"
    WRONG_SHOULD_ALLOW = "WRONG_SHOULD_ALLOW"
    """It should have been allowed."""
    WRONG_SHOULD_DENY = "WRONG_SHOULD_DENY"
    """It should not have been allowed, or not at once."""
    UNCLEAR = "UNCLEAR"
    """What is known of it does not tell."""


LABELS: Final = tuple(Label)
WRONG: Final = frozenset({Label.WRONG_SHOULD_ALLOW, Label.WRONG_SHOULD_DENY})
REFUSALS: Final = ("DENY", "HOLD", "DEFER")
"""Answers that a call could have had which should not have been allowed."""


class Why(StrEnum):
    """Why a decision is looked at. Nobody who has not judged it yet is told."""

    RANDOM = "RANDOM"
    RISK = "RISK"
    DISAGREEMENT = "DISAGREEMENT"
    """A copy of the call, decided about under another version, got another answer."""
    FLAGGED = "FLAGGED"
    """Somebody wants it looked at."""
    KNOWN = "KNOWN"
    """Its right answer is known: it shows whether reviewers look."""


class State(StrEnum):
    """How far it is."""

    OPEN = "OPEN"
    DISPUTED = "DISPUTED"
    """Two do not agree, and a third is to decide."""
    SETTLED = "SETTLED"


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one person has said. Times are milliseconds since the epoch."""

    by: str
    label: Label
    corrected: str = ""
    """The verdict that it should have had; empty where it was right, or nobody can tell."""
    text: str = ""
    begun_ms: int
    """When they were shown it."""
    at_ms: int

    @property
    def took_ms(self) -> int:
        """From being shown it to the answer, by the server's clock."""
        return max(0, self.at_ms - self.begun_ms)


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody wants it looked at, and why."""

    by: str
    at_ms: int
    text: str
    finding: str = ""
    """That it shows, `findings/{tenant}/{finding}`; empty: none."""


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision to judge, and what was said of it. It holds nothing of a customer. Times as above."""

    id: str
    tenant: str
    decision: str
    """Its id."""
    agent: str
    model: str = ""
    """That was asked, or that led to it; empty for none."""
    model_version: str = ""
    """Of the model that it is due to; empty for none."""
    verdict: str
    why: Why
    received_ms: int
    """When the call was received."""
    chance: float = 0.0
    """With which probability it was drawn, above 0 to 1; 0: it was not drawn."""
    created_ms: int
    due_ms: int
    """By when it should be settled."""
    wanted: int = 2
    """Answers that settle it where they agree, 1 or 2."""
    known: Label | None = None
    """Its right answer, where that is known beforehand."""
    barred: tuple[str, ...] = ()
    """Who may not judge it: they have flagged it, or know the right answer."""
    flags: tuple[Flag, ...] = ()
    answers: tuple[Answer, ...] = ()
    settled_ms: int = 0
    """0: it is not."""
    outcome: Label | None = None
    corrected: str = ""
    """What the verdict should have been, by the outcome; empty where that was right, unclear, or they differ."""
    version: int = 1
    """Grows with each write."""

    @property
    def state(self) -> State:
        """How far it is."""
        if self.settled_ms:
            return State.SETTLED
        return State.DISPUTED if len(self.answers) >= self.wanted else State.OPEN


class Unfit(Exception):
    """An answer that the decision cannot have."""


def id_of(tenant: str, decision: str, *, secret: int, more: str = "") -> str:
    """The id of the item about that decision, 16 hexadecimal digits; with `more` that of a further one about it.

    They tell nothing to whoever does not know the tenant's `secret`, 64 bits: not even which of them are further ones.
    """
    said = msgspec.json.encode((tenant, decision, more))
    key = secret.to_bytes(8, "big")
    return hashlib.blake2b(said, digest_size=8, key=key, person=b"pilote-review").hexdigest()


def may_judge(item: Item, who: str) -> bool:
    """Whether they may judge it: it is not settled, and they have not said or known anything of it yet."""
    return not item.settled_ms and who not in item.barred and all(each.by != who for each in item.answers)


def answered(item: Item, answer: Answer) -> Item:
    """It with one more answer, settled where that is enough. Its version stays for who writes it.

    Raises:
        Unfit: who answers may not judge it, or the decision cannot have that label.
    """
    if not may_judge(item, answer.by):
        raise Unfit
    after = msgspec.structs.replace(item, answers=(*item.answers, fitting(answer, verdict=item.verdict)))
    return _settled(after, now_ms=answer.at_ms)


def fitting(answer: Answer, *, verdict: str) -> Answer:
    """It with the verdict that it implies.

    Raises:
        Unfit: a call that was allowed cannot be one that should have been, nor a refused one one that should not.
    """
    match answer.label:
        case Label.WRONG_SHOULD_ALLOW:
            fits, corrected = verdict != "ALLOW" and answer.corrected in ("", "ALLOW"), "ALLOW"
        case Label.WRONG_SHOULD_DENY:
            corrected = answer.corrected or ("DENY" if verdict != "DENY" else "")
            fits = corrected in REFUSALS and corrected != verdict
        case _:
            fits, corrected = not answer.corrected, ""
    if not fits:
        raise Unfit
    return msgspec.structs.replace(answer, corrected=corrected)


def fits(label: Label, *, verdict: str) -> bool:
    """Whether a decision that came to this verdict can have that label."""
    unfit = {"ALLOW": Label.WRONG_SHOULD_ALLOW, "DENY": Label.WRONG_SHOULD_DENY}
    return label is not unfit.get(verdict)


def flagged(item: Item, flag: Flag) -> Item:
    """It with a flag; itself where that person has flagged it already, or anybody for the same finding."""
    if any(each.by == flag.by or (flag.finding and each.finding == flag.finding) for each in item.flags):
        return item
    barred = item.barred if flag.by in item.barred else (*item.barred, flag.by)
    return msgspec.structs.replace(item, flags=(*item.flags, flag), barred=barred)


def _settled(item: Item, *, now_ms: int) -> Item:
    said = item.answers
    if len(said) < item.wanted:
        return item
    if item.known is not None:
        return msgspec.structs.replace(item, settled_ms=now_ms, outcome=item.known)
    own = said[: item.wanted]
    agreed = len({each.label for each in own}) == 1
    if not agreed and len(said) == item.wanted:
        return item
    last = said[-1]
    same = not agreed or len({each.corrected for each in own}) == 1
    return msgspec.structs.replace(
        item, settled_ms=now_ms, outcome=last.label, corrected=last.corrected if same else ""
    )
