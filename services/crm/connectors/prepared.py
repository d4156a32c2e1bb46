"""The methods of a connector, their expressions compiled."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from gateway.core.errors import CallEnded, Reason
from services.crm.connectors.calling import Caller, Run
from services.crm.connectors.contract import Operation
from services.crm.connectors.descriptor import Method, Request
from services.crm.connectors.exchange import Answer, Outgoing
from services.crm.connectors.expressions import Expression, Unfit, mentioned, path_template, template


class PreparedRequest:
    """One request of a descriptor.

    Raises:
        ValueError: with the expression that is none.
    """

    def __init__(self, request: Request, headers: Mapping[str, object]) -> None:
        self._verb = request.method
        self._form = request.form
        self._path = path_template(request.path)
        self._query = template(request.query)
        self._headers = template({**headers, **request.headers})
        self._body = None if request.body is None else template(request.body)

    def outgoing(
        self, caller: Caller, context: Mapping[str, Any], *, safe: bool, headers: Mapping[str, str], url: str = ""
    ) -> Outgoing:
        """The request for what `context` says. `url`: where it goes instead, for the next page of a list.

        Raises:
            Unfit: an expression does not fit the context.
        """
        body, kind = None, ""
        if self._body is not None:
            filled = self._body(context)
            if self._form:
                body, kind = urlencode(_pairs(filled)).encode(), "application/x-www-form-urlencoded"
            else:
                body, kind = msgspec.json.encode(filled), "application/json"
        sent = {"Accept": "application/json", **({"Content-Type": kind} if kind else {})}
        sent |= {name: str(value) for name, value in self._headers(context).items()}
        where = url or caller.url(self._path(context), self._query(context))
        return Outgoing(self._verb, where, {**sent, **headers}, body, safe)


class Prepared:
    """One method of a connector.

    Raises:
        ValueError: with the expression that is none.
    """

    def __init__(self, operation: Operation, method: Method, headers: Mapping[str, object]) -> None:
        self.operation: Final = operation
        self.method: Final = method
        self.request: Final = PreparedRequest(method, headers)
        self.answer: Final = Expression(method.answer)
        self.id: Final = Expression(method.id) if method.id else None
        paging = method.paging
        self.next: Final = Expression(paging.next) if paging is not None and paging.next else None
        self.more: Final = Expression(paging.more) if paging is not None and paging.more else None
        self.lookup: Final = None if method.lookup is None else PreparedRequest(method.lookup, headers)
        self.found: Final = None if method.lookup is None else Expression(method.lookup.answer)
        self.filtered: Final = None if method.filtered is None else PreparedRequest(method.filtered, headers)
        asked = method if method.filtered is None else method.filtered
        self.mentions: Final = mentioned(asked.path, asked.query, asked.body, asked.headers)
        """Filters that the request takes into account."""

    async def call(
        self, caller: Caller, sees: Mapping[str, Any], run: Run, *, headers: Mapping[str, str], safe: bool
    ) -> Answer:
        """The vendor's answer to the request for what templates see. `safe`: it may be sent twice.

        Raises:
            CallEnded: there is none; ARGUMENT_INVALID where the request does not fit what templates see.
        """
        try:
            outgoing = self.request.outgoing(caller, sees, safe=safe, headers=headers)
        except Unfit as error:
            raise CallEnded(
                Reason.ARGUMENT_INVALID,
                "The connector cannot put this request into the vendor's form; fill in more of it.",
            ) from error
        return await caller.call(outgoing, run)


def _pairs(filled: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in filled.items():
        several = value if isinstance(value, list) else [value]
        pairs += [(name, ("true" if each else "false") if isinstance(each, bool) else str(each)) for each in several]
    return pairs
