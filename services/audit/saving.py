"""Saves views: what is checked before one is kept, and the methods of the contract."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.times import timestamp
from pilote.audit.v1 import views_pb2
from services.audit import paging
from services.audit.filters import filter as filters
from services.audit.filters.fields import FIELDS
from services.audit.filters.naming import unknown_field
from services.audit.filters.resolving import language_in
from services.audit.filters.values import short
from services.audit.ordering import order_of
from services.audit.view_texts import ended
from services.audit.views import View, ViewStore

MOST_VIEWS: Final = 1_000
MOST_COLUMNS: Final = 30
_NAME: Final = re.compile(r"views/([a-z][a-z0-9_-]{0,62})")
_WORDS: Final = 200


class Views:
    """The methods about views. `clock_ms` is the time in milliseconds since the epoch."""

    def __init__(self, store: ViewStore, *, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._clock_ms = clock_ms

    async def list(self, request: views_pb2.ListViewsRequest) -> views_pb2.ListViewsResponse:
        """See the contract."""
        size = paging.size_of(request.page_size)
        found = await self._store.list(after=paging.name_of(request.page_token), size=size + 1)
        shown = found[:size]
        token = paging.token_of_name(shown[-1].name) if len(found) > size else ""
        return views_pb2.ListViewsResponse(views=[told(view) for view in shown], next_page_token=token)

    async def get(self, request: views_pb2.GetViewRequest, context: Any) -> views_pb2.View:
        """See the contract."""
        return told(await self._found(request.name, context))

    async def create(self, request: views_pb2.CreateViewRequest, context: Any) -> views_pb2.View:
        """See the contract."""
        language, now_ms = language_in(context), self._clock_ms()
        view = msgspec.structs.replace(_checked(request.view, language), created_ms=now_ms, updated_ms=now_ms)
        if not await self._store.create(view, most=MOST_VIEWS):
            if await self._store.get(view.name) is None:
                raise ended(Reason.LIMIT_EXCEEDED, "full", field="view", language=language, most=MOST_VIEWS)
            raise ended(Reason.ALREADY_EXISTS, "there", field="view.name", language=language, name=request.view.name)
        return told(view)

    async def update(self, request: views_pb2.UpdateViewRequest, context: Any) -> views_pb2.View:
        """See the contract."""
        wanted = _checked(request.view, language_in(context))
        before = await self._unchanged(request.view.name, request.view.etag, context)
        view = msgspec.structs.replace(
            wanted,
            owner=before.owner,
            created_ms=before.created_ms,
            updated_ms=self._clock_ms(),
            version=before.version + 1,
        )
        if not await self._store.update(view, expected=before.version):
            raise self._changed(request.view.name, context)
        return told(view)

    async def delete(self, request: views_pb2.DeleteViewRequest, context: Any) -> None:
        """See the contract."""
        before = await self._unchanged(request.name, request.etag, context)
        if not await self._store.delete(before.name, expected=before.version):
            raise self._changed(request.name, context)

    async def _found(self, name: str, context: Any) -> View:
        language = language_in(context)
        found = await self._store.get(_name(name, "name", language=language))
        if found is None:
            raise ended(Reason.NOT_FOUND, "absent", field="name", language=language, name=short(name))
        return found

    async def _unchanged(self, name: str, etag: str, context: Any) -> View:
        found = await self._found(name, context)
        if etag not in {"", str(found.version)}:
            raise self._changed(name, context)
        return found

    @staticmethod
    def _changed(name: str, context: Any) -> CallEnded:
        return ended(Reason.CONFLICT, "changed", field="etag", language=language_in(context), name=name)


def told(view: View) -> views_pb2.View:
    """The view as its contract has it."""
    return views_pb2.View(
        name=f"views/{view.name}",
        title=view.title,
        filter=view.filter,
        order_by=view.order_by,
        columns=view.columns,
        owner=view.owner,
        create_time=timestamp(view.created_ms),
        update_time=timestamp(view.updated_ms),
        etag=str(view.version),
    )


def _checked(message: views_pb2.View, language: str) -> View:
    """The view, if it could be shown.

    Raises:
        CallEnded: ARGUMENT_INVALID for its first mistake.
    """
    name = _name(message.name, "view.name", language=language)
    if not message.title:
        raise ended(Reason.ARGUMENT_INVALID, "untitled", field="view.title", language=language)
    for field in ("title", "owner"):
        text = getattr(message, field)
        if len(text) > _WORDS or not text.replace(" ", "").isprintable():
            raise ended(Reason.ARGUMENT_INVALID, "words", field=f"view.{field}", language=language, most=_WORDS)
    filters.parse(message.filter, language=language)
    order_of(message.order_by, language=language)
    if len(message.columns) > MOST_COLUMNS:
        raise ended(Reason.ARGUMENT_INVALID, "columns", field="view.columns", language=language, most=MOST_COLUMNS)
    for place, column in enumerate(message.columns):
        if column not in FIELDS:
            raise unknown_field(column).ended(f"view.columns[{place}]", language)
    return View(
        name=name,
        title=message.title,
        filter=message.filter,
        order_by=message.order_by,
        columns=tuple(message.columns),
        owner=message.owner,
    )


def _name(text: str, field: str, *, language: str) -> str:
    found = _NAME.fullmatch(text)
    if found is None:
        raise ended(Reason.ARGUMENT_INVALID, "name", field=field, language=language)
    return found[1]
