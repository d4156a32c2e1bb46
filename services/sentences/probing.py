"""Probes of a sentence: calls just below, at and over what it bounds, inside and outside of whom it is about. Pure.

What they expect is what the sentence says word by word; whether other parts of a policy let that be seen is told by
running them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.core.call import Operation
from gateway.core.policy.vocabulary import duration_ms
from services.sentences import kinds
from services.sentences.kinds import Calls, Contacts, Sentence

MOST_BEFORE: Final = 60
"""Contacts before a call that a probe names at most."""
METHODS: Final[Mapping[Operation, str]] = {
    Operation.CONTACT: "/pilote.crm.v1.MessageService/SendMessage",
    Operation.READ: "/pilote.crm.v1.ContactService/GetContact",
    Operation.DELETE: "/pilote.crm.v1.ContactService/DeleteContact",
}
_CUSTOMER: Final = "contacts/probe"
_OTHER: Final = "somebody-else"
_BETWEEN: Final = {"above": 1.0, "at_least": 0.0, "below": -1.0, "at_most": 0.0, "exactly": 0.0}
_EXCEEDED: Final = {"": "DENY", "defer": "DEFER", "review": "HOLD"}
_CHANNELS: Final = ("email", "sms", "phone", "push", "postal")


def base(sentence: Sentence, *, agent: str) -> dict[str, Any] | None:
    """A call that the sentence is about; `None` where no such call can be made up."""
    operations = sentence.operations if isinstance(sentence, Calls) else (Operation.CONTACT,)
    operation = Operation.CONTACT if Operation.CONTACT in operations or not operations else operations[0]
    if operation not in METHODS or (isinstance(sentence, Calls) and (sentence.methods or sentence.request)):
        return None
    facts = _facts(sentence)
    if operation is not Operation.CONTACT:
        request: dict[str, Any] = {"name": _CUSTOMER}
    else:
        told = {
            each: getattr(sentence, each, ()) for each in ("channels", "categories", "purposes", "campaigns", "topics")
        }
        message = {
            "customer": _CUSTOMER,
            "channel": next(iter(told["channels"]), "email"),
            "category": next(iter(told["categories"]), "marketing"),
            "body": "…",
            **({"purpose": told["purposes"][0]} if told["purposes"] else {}),
            **({"campaign": told["campaigns"][0]} if told["campaigns"] else {}),
            **({"topics": [told["topics"][0]]} if told["topics"] else {}),
        }
        request = {"message": message}
    return {"name": "call", "agent": agent, "method": METHODS[operation], "request": request, "facts": facts}


def _facts(sentence: Sentence) -> dict[str, Any]:
    calls = sentence if isinstance(sentence, Calls) else Calls()
    facts: dict[str, Any] = {
        "consents": dict.fromkeys(_CHANNELS, not calls.unagreed),
        "time_zone": "UTC",
        "segments": list(getattr(sentence, "segments", ())[:1]),
        "traits": {each.name: _OTHER if each.negated else each.values[0] for each in calls.traits},
    }
    if calls.scores:
        facts["scores"] = {each.name: each.value + _BETWEEN[each.order] for each in calls.scores}
    if calls.pressure is not None:
        facts["pressure"] = calls.pressure + 1
    return facts


def probes(sentence: Sentence, *, rule: str, agents: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """What must hold of `base`, as a suite says it; none where the sentence cannot be seen in single calls.

    `rule` is the name of its part, and `agents` are all of the policy.
    """
    if sentence.watched:
        return ()
    match sentence:
        case kinds.Cap():
            found = [*_cap(sentence), *_elsewhere(sentence, before=_spread(sentence.max + 1, sentence.period))]
        case kinds.Gap():
            ms = duration_ms(sentence.gap)
            found = [
                ("just-after", {"contacts": [_ago(ms // 2)]}, "DENY"),
                ("late-enough", {"contacts": [_ago(ms + 60_000)]}, ""),
            ]
            found += _elsewhere(sentence, before=[_ago(ms // 2)])
            found = [(name, changes, verdict and _EXCEEDED[sentence.exceed]) for name, changes, verdict in found]
        case kinds.Never():
            found = [("inside", {}, "DENY"), *_outside(sentence, agents)]
        case kinds.Hold():
            found = [("inside", {}, "HOLD"), *_outside(sentence, agents)]
        case kinds.Only() if sentence.agents:
            others = [each for each in agents if each not in sentence.agents]
            found = [("one-who-may", {"agent": sentence.agents[0]}, "")]
            found += [("another-agent", {"agent": each}, "DENY") for each in others[:1]]
        case _:
            return ()
    return tuple(_probe(name, changes, verdict, rule) for name, changes, verdict in found)


_Found = tuple[str, dict[str, Any], str]
"""A name, what is different of the base, and the verdict; empty: it is let through."""


def _cap(cap: kinds.Cap) -> Iterator[_Found]:
    if cap.max >= MOST_BEFORE:
        return
    stopped = _EXCEEDED[cap.exceed]
    if cap.max:
        yield "just-below", {"contacts": _spread(cap.max - 1, cap.period)}, ""
    yield "at-the-limit", {"contacts": _spread(cap.max, cap.period)}, stopped
    yield "over-the-limit", {"contacts": _spread(cap.max + 1, cap.period)}, stopped
    if cap.max and cap.period[-1] in "smhd" and cap.period[0].isdigit():
        ms = duration_ms(cap.period)
        yield "long-ago", {"contacts": [_ago(ms + 60_000 * (each + 1)) for each in range(cap.max)]}, ""


def _elsewhere(sentence: Contacts, *, before: list[str]) -> Iterator[_Found]:
    """Calls that it is not about, after as many contacts."""
    if len(before) > MOST_BEFORE:
        return
    if sentence.segments:
        yield "outside-the-segment", {"contacts": before, "facts.segments": []}, ""
    if sentence.channels:
        other = next(each for each in (*_CHANNELS, _OTHER) if each not in sentence.channels)
        yield "another-channel", {"contacts": before, "request.message.channel": other}, ""
    for exempt in sentence.exempt[:1]:
        yield "an-exception", {"contacts": before, "request.message.category": exempt}, ""


def _outside(sentence: Calls, agents: tuple[str, ...]) -> Iterator[_Found]:
    """The call with one thing different that takes it out of what the sentence is about."""
    if sentence.segments:
        yield "outside-the-segment", {"facts.segments": []}, ""
    for segment in sentence.outside[:1]:
        yield "an-exception", {"facts.segments": [*sentence.segments[:1], segment]}, ""
    contacts = not sentence.operations or Operation.CONTACT in sentence.operations
    if sentence.channels and contacts:
        other = next(each for each in (*_CHANNELS, _OTHER) if each not in sentence.channels)
        yield "another-channel", {"request.message.channel": other}, ""
    if sentence.categories and contacts:
        other = next(each for each in ("service", "marketing", _OTHER) if each not in sentence.categories)
        yield "another-category", {"request.message.category": other}, ""
    for trait in sentence.traits[:1]:
        yield "another-trait", {f"facts.traits.{trait.name}": trait.values[0] if trait.negated else _OTHER}, ""
    if sentence.agents:
        for other in [each for each in agents if each not in sentence.agents][:1]:
            yield "another-agent", {"agent": other}, ""


def _spread(count: int, period: str) -> list[str]:
    """So many contacts, all within the period that ends with the call."""
    ms = duration_ms(period) if period[0].isdigit() else 3_600_000  # a calendar's began hours before the call
    return [_ago(max(1_000, ms * (each + 1) // (count + 2))) for each in range(count)]


def _ago(ms: int) -> str:
    return f"{max(1, ms // 1_000)}s"


def _probe(name: str, changes: Mapping[str, Any], verdict: str, rule: str) -> dict[str, Any]:
    wanted = {"verdict": verdict, "rule": rule} if verdict else {"verdict": "ALLOW"}
    different = {"with": dict(changes)} if changes else {}
    return {"name": name, "kind": "expect", "base": "call", **different, "expect": wanted}
