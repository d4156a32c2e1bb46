"""One page of a vendor's list, in whichever of the five ways it is paged."""

import re
from collections.abc import Mapping
from typing import Any, Final

from services.crm import paging as sizes
from services.crm.connectors.calling import Caller, Run
from services.crm.connectors.contract import new, plain
from services.crm.connectors.descriptor import Paging
from services.crm.connectors.exchange import Answer
from services.crm.connectors.expressions import Unfit
from services.crm.connectors.fields import Mapped
from services.crm.connectors.judging import ended
from services.crm.connectors.prepared import Prepared
from services.crm.connectors.tokens import Place, Tokens

_LINK: Final = re.compile(r'<([^<>]{1,4000})>((?:[^",<]|"[^"]*")*)')
_PARAMETER: Final = re.compile(r';\s*([a-z*]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))', re.IGNORECASE)
_ONE_PAGE: Final = Paging(style="cursor", max_size=1000)


async def page(
    caller: Caller,
    prepared: Prepared,
    mapped: Mapped,
    request: Any,
    run: Run,
    *,
    tokens: Tokens,
    sees: Mapping[str, Any],
) -> Any:
    """The page of a list that `request` asks for.

    Raises:
        CallEnded: ARGUMENT_INVALID for a wrong size or token, or what the vendor's answer means.
    """
    operation, paging = prepared.operation, prepared.method.paging or _ONE_PAGE
    filters = {name: value for name in operation.filters if (value := getattr(request, name))}
    size = min(sizes.page_size(request.page_size), paging.max_size)
    place = tokens.opened(request.page_token, method=operation.name, filters=filters)
    if place is not None and paging.style == "page":
        size = place.size
    context = {
        **sees, "request": plain(request), "page": _page(paging, place, size),
        "filter": {name: mapped.filtered(name, request) for name in operation.filters},
        "words": {name: mapped.words(name, request) for name in operation.filters},
    }  # fmt: skip
    url = caller.resumed(str(place.where)) if place is not None and paging.style in ("link", "url") else ""
    try:
        asked = prepared.filtered if filters and prepared.filtered is not None else prepared.request
        outgoing = asked.outgoing(caller, context, safe=True, headers={}, url=url)
        answer = await caller.call(outgoing, run)
        items = prepared.answer(answer.body)
        if not isinstance(items, list):
            items = [] if items is None else [items]
        response = new(operation)
        getattr(response, mapped.kind.table).extend(mapped.read(item, headers={}) for item in items)
        where = _following(prepared, paging, place, answer, size=size, count=len(items))
    except Unfit as error:
        raise ended("UPSTREAM_FAILED") from error
    if where is not None:
        token = tokens.sealed(Place(where, size), method=operation.name, filters=filters)
        response.next_page_token = token  # type: ignore[attr-defined]
    return response


def next_link(header: str) -> str | None:
    """The URL of the next page in a `Link` header (RFC 8288); `None` where it has none."""
    for url, parameters in _LINK.findall(header):
        relations = [quoted or bare for name, quoted, bare in _PARAMETER.findall(parameters) if name.lower() == "rel"]
        if relations and "next" in relations[0].lower().split():
            return str(url)
    return None


def _page(paging: Paging, place: Place | None, size: int) -> dict[str, Any]:
    """What the templates of a list see of the page."""
    where = None if place is None else place.where
    if paging.style == "page":
        return {"size": size, "number": paging.first if where is None else where}
    if paging.style == "offset":
        return {"size": size, "offset": 0 if where is None else where}
    return {"size": size, "token": where}


def _following(
    prepared: Prepared, paging: Paging, place: Place | None, answer: Answer, *, size: int, count: int
) -> str | int | None:
    """Where the next page begins; `None` after the last one."""
    if paging.style == "link":
        return next_link(answer.headers.get("link", ""))
    if paging.style in ("cursor", "url"):
        following = None if prepared.next is None else prepared.next(answer.body)
        if following in (None, "", False) or not isinstance(following, (str, int)):
            return None
        return following
    more = count >= size if prepared.more is None else bool(prepared.more(answer.body))
    if not more or not count:
        return None
    here = place.where if place is not None and isinstance(place.where, int) else None
    if paging.style == "page":
        return (paging.first if here is None else here) + 1
    return (here or 0) + count
