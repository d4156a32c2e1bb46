"""Saved views: what people save of what they look for. Each change is noted in the log before it is made."""

import re
import unicodedata
from typing import Any, Final

from pilote.audit.v1 import views_pb2
from services.control.access.principals import Asked, principal_of
from services.control.audit_client import AuditClient
from services.control.changes import Changes
from services.control.preconditions import ANY, Match, Unmatched, quoted

_MOST: Final = 1_000
_LONGEST_NAME: Final = 63
_UNNAMED: Final = "view"
"""What a view is called whose title has no letter of ours."""


class SavedViews:
    """All of them; who saves one owns it."""

    def __init__(self, client: AuditClient, changes: Changes) -> None:
        self._client = client
        self._stub: Any = client.stub
        self._changes = changes

    async def all(self, request: Asked) -> tuple[views_pb2.View, ...]:
        """All views, by name; at most a thousand.

        Raises:
            grpc.aio.AioRpcError: the audit service does not answer. Likewise the others.
        """
        asked = views_pb2.ListViewsRequest(page_size=_MOST)
        return tuple((await self._client.answer(request, self._stub.ListViews, asked)).views)

    async def get(self, request: Asked, name: str) -> views_pb2.View:
        """The view of that resource name."""
        answer: views_pb2.GetViewResponse = await self._client.answer(
            request, self._stub.GetView, views_pb2.GetViewRequest(name=name)
        )
        return answer.view

    async def create(self, request: Asked, view: views_pb2.View) -> views_pb2.CreateViewResponse:
        """Save a view under a name that is free; one with a mistake is not saved."""
        principal = principal_of(request)
        view.owner = principal.name
        name = f"views/{view.name.removeprefix('views/')}"
        async with self._changes.recording(principal, operation="create", resource=name, after=view):
            asked = views_pb2.CreateViewRequest(view=view)
            answer: views_pb2.CreateViewResponse = await self._client.answer(request, self._stub.CreateView, asked)
            return answer

    async def update(
        self, request: Asked, wanted: views_pb2.View, *, match: Match = ANY
    ) -> views_pb2.UpdateViewResponse:
        """Put a view in the place of the one of its name; with its `etag`, or a match, only if that is still the same.

        Who changes one that is not there is told so, and nothing is noted.

        Raises:
            Unmatched: VIEW_CHANGED where another is there than the match names.
        """
        before = await self.get(request, wanted.name)
        wanted.etag = _seen(before, match) or wanted.etag
        noted = self._changes.recording(
            principal_of(request), operation="update", resource=wanted.name, before=before, after=wanted
        )
        async with noted:
            asked = views_pb2.UpdateViewRequest(view=wanted)
            answer: views_pb2.UpdateViewResponse = await self._client.answer(request, self._stub.UpdateView, asked)
            return answer

    async def remove(
        self, request: Asked, name: str, *, etag: str = "", match: Match = ANY
    ) -> views_pb2.DeleteViewResponse:
        """Delete a view; with `etag`, or a match, only if it is still the same. Raises like `update`."""
        before = await self.get(request, name)
        etag = _seen(before, match) or etag
        principal = principal_of(request)
        async with self._changes.recording(principal, operation="delete", resource=name, before=before):
            asked = views_pb2.DeleteViewRequest(name=name, etag=etag)
            answer: views_pb2.DeleteViewResponse = await self._client.answer(request, self._stub.DeleteView, asked)
            return answer


def _seen(view: views_pb2.View, match: Match) -> str:
    """The ETag of the view, where only that one may be changed; empty: any may."""
    if not match.holds(view.etag):
        raise Unmatched("view-changed", etag=quoted(view.etag))
    return "" if match.any else view.etag


def name_for(title: str) -> str:
    """The resource name of a view with that title, such as `views/refused-today`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    slug = re.sub(r"^[^a-z]+", "", words)[:_LONGEST_NAME].strip("-")
    return f"views/{slug or _UNNAMED}"
