"""Asks the audit service for the commands about decisions and views."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import grpc
import msgspec
from rich.cells import cell_len

from gateway.rpc.channels import channel_to
from gateway.rpc.status import metadata_from, text_from
from pilote.audit.v1 import audit_service_pb2, audit_service_pb2_grpc, summaries_pb2, views_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.search import FOLLOWING
from services.commands.decision_texts import say

SECONDS: Final = 60.0
"""Longest time that an answer may take: counts of millions take seconds."""
PAGE: Final = 1_000
_BEFORE, _SHOWN = 40, 70
"""Characters of a filter that are shown before a mistake, and in all."""


class SearchFailed(Exception):
    """What was asked is not answered; the text says why, in the person's language."""


class Found(msgspec.Struct, frozen=True):
    """Decisions that were looked for."""

    decisions: tuple[decision_pb2.Decision, ...]
    unreadable: tuple[str, ...]
    """Names of the parts of the store that cannot be read: decisions in them are missing."""
    total: int | None
    """How many match in all; `None` where there are more of them, and nobody has counted."""


class Searching:
    """One person's questions."""

    def __init__(self, address: str, *, language: str) -> None:
        self._address = address
        self._language = language
        self._metadata = (("accept-language", language),)

    async def decisions(self, filter_: str, *, order_by: str, count: int, total: bool = False) -> Found:
        """The first `count` decisions that match; with `total` all that match are counted.

        Raises:
            SearchFailed: likewise from all others.
        """
        decisions: list[decision_pb2.Decision] = []
        token = ""
        async with self._asking(filter_) as stub:
            while True:
                size = min(count - len(decisions), PAGE)
                request = audit_service_pb2.ListDecisionsRequest(
                    filter=filter_,
                    order_by=order_by,
                    page_size=size,
                    page_token=token,
                    count_total=total and len(decisions) + size == count,  # else what is shown is all there is
                )
                page = await stub.ListDecisions(request, timeout=SECONDS, metadata=self._metadata)
                decisions += page.decisions
                token = page.next_page_token
                if not token or len(decisions) >= count:
                    counted = page.total_size if page.HasField("total_size") else None
                    return Found(
                        tuple(decisions), tuple(page.unreadable_segments), counted if token else len(decisions)
                    )

    async def facets(self, request: summaries_pb2.SummarizeDecisionsRequest) -> Any:
        """Counts by fields."""
        async with self._asking(request.filter) as stub:
            return await stub.SummarizeDecisions(request, timeout=SECONDS, metadata=self._metadata)

    async def chart(self, request: summaries_pb2.ChartDecisionsRequest) -> Any:
        """Counts by time."""
        async with self._asking(request.filter) as stub:
            return await stub.ChartDecisions(request, timeout=SECONDS, metadata=self._metadata)

    async def follow(self, filter_: str, *, begun: Callable[[], None]) -> AsyncIterator[decision_pb2.Decision]:
        """Decisions as they are stored and settled, until the audit service ends the stream.

        `begun` is called once the filter is taken: from then on nothing is missed.
        """
        async with self._asking(filter_) as stub:
            request = audit_service_pb2.TailDecisionsRequest(filter=filter_)
            call = stub.TailDecisions(request, metadata=self._metadata)
            if FOLLOWING in dict(await call.initial_metadata()):
                begun()
            async for answer in call:
                yield answer.decision
        raise SearchFailed(say("tail-ended", language=self._language))

    async def views(self) -> list[views_pb2.View]:
        """All saved views."""
        found: list[views_pb2.View] = []
        token = ""
        async with self._asking() as stub:
            while True:
                request = views_pb2.ListViewsRequest(page_size=PAGE, page_token=token)
                page = await stub.ListViews(request, timeout=SECONDS, metadata=self._metadata)
                found += page.views
                token = page.next_page_token
                if not token:
                    return found

    async def view(self, name: str) -> Any:
        """One saved view."""
        async with self._asking() as stub:
            request = views_pb2.GetViewRequest(name=name_of(name))
            return (await stub.GetView(request, timeout=SECONDS, metadata=self._metadata)).view

    async def save(self, view: views_pb2.View, *, replace: bool) -> Any:
        """Keep a view under a name that is free, or in the place of the one of that name."""
        async with self._asking(view.filter) as stub:
            if replace:
                update = views_pb2.UpdateViewRequest(view=view)
                return (await stub.UpdateView(update, timeout=SECONDS, metadata=self._metadata)).view
            create = views_pb2.CreateViewRequest(view=view)
            return (await stub.CreateView(create, timeout=SECONDS, metadata=self._metadata)).view

    async def delete(self, name: str) -> None:
        """Delete a view."""
        async with self._asking() as stub:
            request = views_pb2.DeleteViewRequest(name=name_of(name))
            await stub.DeleteView(request, timeout=SECONDS, metadata=self._metadata)

    @contextlib.asynccontextmanager
    async def _asking(self, filter_: str = "") -> AsyncIterator[Any]:
        async with channel_to(self._address) as channel:
            try:
                yield audit_service_pb2_grpc.AuditServiceStub(channel)
            except grpc.aio.AioRpcError as error:
                raise SearchFailed(self._why(error) + pointed(filter_, metadata_from(error))) from error

    def _why(self, error: grpc.aio.AioRpcError) -> str:
        text = text_from(error)
        if error.code() is grpc.StatusCode.UNAVAILABLE and "connect" in text:
            return say("audit-down", language=self._language, address=self._address)
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return say("audit-slow", language=self._language)
        return text


def name_of(name: str) -> str:
    """The resource name of a view."""
    return name if name.startswith("views/") else f"views/{name}"


def pointed(filter_: str, metadata: Mapping[str, str]) -> str:
    """The line of the filter with its mistake, and beneath it what points to that; empty for any other failure.

    `metadata` has the place of the mistake, counted from 1.
    """
    line, column = metadata.get("line", ""), metadata.get("column", "")
    lines = filter_.split("\n")
    if not (line.isdecimal() and column.isdecimal() and 1 <= int(line) <= len(lines)):
        return ""
    text, before = lines[int(line) - 1].replace("\t", " "), int(column) - 1
    start = max(0, before - _BEFORE)  # of a long filter the part around it
    shown = text[start : start + _SHOWN]
    return f"\n\n  {shown}\n  {' ' * cell_len(text[start:before])}^"
