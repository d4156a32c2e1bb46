"""The history: every revision with who, when, why and who agreed; the difference between any two; going back."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.policy.form import field_of, form_of
from services.control.console.policy.sides import tabs
from services.control.console.rendering import go_to, page, texts_of
from services.revisions.revising import RevisionProblem

SIZE: Final = 30
_Before = Annotated[int, QueryParameter(name="before", ge=0)]
_Base = Annotated[int, QueryParameter(name="base", ge=-1)]


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of this page."""
    drafting = parts.drafts
    revising = drafting.submitting.revising

    @get("/policy/history", right=Right.SEE, include_in_schema=False)
    async def history(request: Asked, before: _Before = 0) -> Response[str]:
        last = await revising.store.next() - 1
        _, head = await revising.store.head()
        first = min(before - 1, last) if before else last
        numbers = range(first, max(0, first - SIZE), -1)
        entries = await revising.store.entries(numbers)
        following = _line(await revising.store.entries(range(1, head + 1)), head) if head <= MOST_LINE else None
        values: dict[str, Any] = {
            "entries": [(number, entries.get(number)) for number in numbers],
            "head": head,
            "following": following,
            "next": numbers[-1] if numbers and numbers[-1] > 1 else 0,
            "before": before,
            "last": last,
            "tabs": tabs("history"),
        }
        return page(request, "policy/history.html", **values)

    @get("/policy/history/{number:int}", right=Right.SEE, include_in_schema=False)
    async def revision(number: FromPath[int], request: Asked, base: _Base = -1) -> Response[str]:
        entry = await revising.store.entry(number)
        if entry is None:
            raise RevisionProblem("revision-unknown", number=number)
        _, head = await revising.store.head()
        other = entry.after if base < 0 else base
        values: dict[str, Any] = {
            "number": number,
            "entry": entry,
            "base": other,
            "compared": await drafting.questions.between(other, number),
            "head": head,
            "last": await revising.store.next() - 1,
        }
        return page(request, "policy/revision.html", fragment="difference", **values)

    @post("/policy/history/{number:int}/rollback", right=Right.POLICY_WRITE, include_in_schema=False)
    async def roll_back(number: FromPath[int], request: Asked) -> Response[Any]:
        form, who, hand = await form_of(request), principal_of(request), parts.hand(request)
        made = await drafting.submitting.roll_back(number, who=who, hand=hand, reason=field_of(form, "reason").strip())
        t = texts_of(request)
        if made.proposal is not None:
            said = t("policy-proposed", number=made.proposal.number)
            return go_to(request, f"/policy/proposals/{made.proposal.number}", say=said)
        said = t("policy-rolled-back", number=made.revision, restores=made.restores)
        return go_to(request, "/policy/history", say=said)

    return [history, revision, roll_back]


MOST_LINE: Final = 2_000
"""Revisions up to which it is shown which of them led to the active one."""


def _line(entries: Any, head: int) -> frozenset[int]:
    """The revisions that led to the one that runs; others were never run."""
    found, number = set(), head
    while number in entries and number not in found:
        found.add(number)
        number = entries[number].after
    return frozenset(found)
