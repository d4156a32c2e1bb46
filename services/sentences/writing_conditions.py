"""What a sentence says of calls, as a condition in CEL."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from services.sentences.kinds import Asks, Calls, Compares, Is, Only, Order

SIGNS: Final[dict[Order, str]] = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<=", "exactly": "=="}
"""By order, the operator of CEL."""


def condition(sentence: Calls) -> str:
    """The condition, "true" where it bounds nothing.

    What may be missing, an entry of a map, is asked for first: so the condition does not fail for want of it.
    """
    return " && ".join(_clauses(sentence)) or "true"


def _clauses(sentence: Calls) -> Iterator[str]:
    who = [*_one_of("agent.name", sentence.agents)]
    who += [_is("agent.labels", each) for each in sentence.labels]
    if isinstance(sentence, Only):
        yield f"!({' && '.join(who)})"
    else:
        yield from who
    yield from _one_of("call.channel", sentence.channels)
    yield from _one_of("call.category", sentence.categories)
    yield from _one_of("call.purpose", sentence.purposes)
    yield from _one_of("call.campaign", sentence.campaigns)
    if sentence.segments:
        inside = [f"{text(each)} in facts.segments" for each in sentence.segments]
        yield inside[0] if len(inside) == 1 else f"({' || '.join(inside)})"
    yield from (f"!({text(each)} in facts.segments)" for each in sentence.outside)
    yield from (_is("facts.traits", each) for each in sentence.traits)
    yield from map(_compares, sentence.scores)
    if sentence.pressure is not None:
        yield f"facts.pressure > {number(sentence.pressure)}"
    if sentence.unagreed:
        yield "!(call.channel in facts.consents && facts.consents[call.channel])"
    yield from map(_asks, sentence.request)


def _one_of(term: str, values: Sequence[str]) -> Iterator[str]:
    if values:
        yield _equals(term, values)


def _equals(term: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f"{term} == {text(values[0])}"
    return f"{term} in [{', '.join(map(text, values))}]"


def _is(map_: str, asked: Is) -> str:
    there = f"{text(asked.name)} in {map_}"
    equal = _equals(f"{map_}[{text(asked.name)}]", asked.values)
    if asked.or_unknown:
        return f"(!({there}) || {equal})"
    return f"!({there} && {equal})" if asked.negated else f"{there} && {equal}"


def _compares(asked: Compares) -> str:
    there = f"{text(asked.name)} in facts.scores"
    told = f"facts.scores[{text(asked.name)}] {SIGNS[asked.order]} {number(asked.value)}"
    return f"(!({there}) || {told})" if asked.or_unknown else f"{there} && {told}"


def _asks(asked: Asks) -> str:
    return f"request.{asked.path} {SIGNS[asked.order]} {number(asked.value)}"


@functools.lru_cache(maxsize=4096)
def text(value: str) -> str:
    """A text in CEL. JSON's escapes are among those of CEL."""
    return msgspec.json.encode(value).decode()


def number(value: Any) -> str:
    """A number in CEL: one with a fraction is no whole one."""
    return repr(value)
