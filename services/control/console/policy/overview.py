"""The overview: what the active policy consists of, rules that are looked for, drafts, and who changed what last."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from gateway.core.policy.document import Document
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.policy.form import field_of, form_of
from services.control.console.policy.sides import tabs
from services.control.console.rendering import go_to, page

SECTIONS: Final = (
    *("objectives", "rules", "limits", "caps", "quiet_hours", "consents", "packs", "sequences", "pressure"),
    *(
        "routes",
        "models",
        "experiments",
        "holdouts",
        "rollouts",
        "agents",
        "upstreams",
        "contracts",
        "rest",
        "ratelimit",
        "people",
    ),
)
"""In the order in which people meet them."""
MOST_FOUND: Final = 50
LATEST: Final = 5
LATEST_PROPOSALS: Final = 10
_Q = Annotated[str, QueryParameter(name="q")]


class Found(msgspec.Struct, frozen=True):
    """A part of the active policy that was looked for."""

    section: str
    name: str
    about: str
    effect: str


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of this page."""
    drafting = parts.drafts

    @get("/policy", right=Right.SEE, include_in_schema=False)
    async def overview(request: Asked, q: _Q = "") -> Response[str]:
        document, number = _active(parts)
        values: dict[str, Any] = {
            "revision": number,
            "document": document,
            "counts": counts(document),
            "q": q,
            "found": found(document, q) if q.strip() else (),
            "most": MOST_FOUND,
            "tabs": tabs("overview"),
        }
        if principal_of(request).may(Right.POLICY_WRITE):
            values["drafts"] = (await drafting.store.all())[:20]
        else:
            values["drafts"] = ()
        revising = drafting.submitting.revising
        latest = await revising.proposals.newest(LATEST_PROPOSALS)
        proposals = [each for each in latest if each.state == "waiting"]
        last = await revising.store.next() - 1
        entries = await revising.store.entries(range(last, max(0, last - LATEST), -1))
        return page(
            request, "policy/policy.html", fragment="results" if q else "content",
            proposals=proposals, entries=entries, last=last, **values,
        )  # fmt: skip

    @post("/policy/drafts", right=Right.POLICY_WRITE, include_in_schema=False)
    async def begin(request: Asked) -> Response[Any]:
        form = await form_of(request)
        revision = field_of(form, "revision")
        made, _ = await drafting.create(
            title=field_of(form, "title"),
            who=principal_of(request),
            revision=int(revision) if revision.isdecimal() else None,
            draft=field_of(form, "draft"),
        )
        return go_to(request, f"/policy/drafts/{made.id}")

    return [overview, begin]


def _active(parts: Parts) -> tuple[Document | None, int]:
    """The policy that runs, as this process has compiled it; that costs nothing however large it is."""
    revision = parts.policy.revision
    return (None, 0) if revision is None else (revision.document, revision.number)


def counts(document: Document | None) -> Sequence[tuple[str, int]]:
    """How many parts each section has, where it has any."""
    if document is None:
        return ()
    fields = dict(zip(Document.__struct_encode_fields__, Document.__struct_fields__, strict=True))
    listed = ((section, getattr(document, fields[section])) for section in SECTIONS)
    return [
        (name, len(value) if isinstance(value, tuple) else int(value is not None)) for name, value in listed if value
    ]


def found(document: Document | None, q: str) -> Sequence[Found]:
    """Parts whose name, description, condition, methods or words hold all that is looked for."""
    words, hits = q.lower().split(), list[Found]()
    for section in SECTIONS if document is not None else ():
        value = getattr(document, section, ())
        for part in value if isinstance(value, tuple) else ():
            text = msgspec.json.encode(part).decode().lower() if section in _SHOWN else part.name
            if all(word in text for word in words):
                about = getattr(part, "description", "") or getattr(part, "when", "") or ""
                hits.append(Found(section, part.name, str(about), str(getattr(part, "effect", ""))))
                if len(hits) > MOST_FOUND:
                    return hits
    return hits


_SHOWN: Final = frozenset({"rules", "limits", "caps", "quiet_hours", "consents", "sequences", "objectives"})
"""Sections that hold no keys or descriptors, so that all their words may be looked for."""
