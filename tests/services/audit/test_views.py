"""Searches are saved under a name, and only if they could be shown."""

from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import CallEnded
from gateway.rpc.status import reason_from, text_from
from pilote.audit.v1.views_pb2 import (
    CreateViewRequest,
    DeleteViewRequest,
    GetViewRequest,
    ListViewsRequest,
    UpdateViewRequest,
    View,
)
from services.audit import paging
from services.audit.store import DecisionStore
from services.audit.views import View as Kept
from tests.services.audit.conftest import NOW_MS, Audit, Stub
from tests.services.audit.kinds import Kind

NIGHT = View(
    name="views/night",
    title="Refused at night",
    filter='rule:"quiet_hours"',
    order_by="latency desc",
    columns=["receive_time", "agent", "latency"],
    owner="ada",
)


async def test_a_view_is_kept_as_it_was_saved(audit: Audit, stub: Stub) -> None:
    made = (await stub.CreateView(CreateViewRequest(view=NIGHT))).view

    shown = (await stub.GetView(GetViewRequest(name="views/night"))).view
    assert shown == made
    assert (shown.title, shown.filter, shown.order_by, list(shown.columns), shown.owner) == (
        *(NIGHT.title, NIGHT.filter, NIGHT.order_by, list(NIGHT.columns), "ada"),
    )
    assert shown.create_time.ToMilliseconds() == shown.update_time.ToMilliseconds() == NOW_MS


async def test_a_view_outlives_the_process(audit: Audit, stub: Stub, stores: Kind) -> None:
    await stub.CreateView(CreateViewRequest(view=NIGHT))
    again = stores.again()
    kept = await again.views.get("night")
    await again.close()
    assert kept is not None
    assert kept.title == NIGHT.title


async def test_a_changed_view_keeps_its_owner_and_the_time_of_its_making(audit: Audit, stub: Stub) -> None:
    made = (await stub.CreateView(CreateViewRequest(view=NIGHT))).view
    audit.now_ms += 5_000
    changed = View(name="views/night", title="At night", owner="mallory", etag=made.etag)

    shown = (await stub.UpdateView(UpdateViewRequest(view=changed))).view

    assert (shown.title, shown.filter, shown.owner) == ("At night", "", "ada")
    assert (shown.create_time.ToMilliseconds(), shown.update_time.ToMilliseconds()) == (NOW_MS, NOW_MS + 5_000)
    assert shown.etag != made.etag


async def test_a_view_that_somebody_has_changed_meanwhile_is_neither_changed_nor_deleted(stub: Stub) -> None:
    read = (await stub.CreateView(CreateViewRequest(view=NIGHT))).view
    await stub.UpdateView(UpdateViewRequest(view=NIGHT))
    stale = View(name=NIGHT.name, title="mine", etag=read.etag)

    refused = [
        await _refusal(stub.UpdateView(UpdateViewRequest(view=stale))),
        await _refusal(stub.DeleteView(DeleteViewRequest(name=NIGHT.name, etag=read.etag))),
    ]

    assert [(code, reason) for code, reason, _ in refused] == [("ABORTED", "CONFLICT")] * 2
    assert (await stub.GetView(GetViewRequest(name=NIGHT.name))).view.title == NIGHT.title


async def test_of_two_who_make_the_same_view_one_does(stub: Stub) -> None:
    await stub.CreateView(CreateViewRequest(view=NIGHT))
    code, reason, text = await _refusal(stub.CreateView(CreateViewRequest(view=NIGHT)))
    assert (code, reason) == ("ALREADY_EXISTS", "ALREADY_EXISTS")
    assert text == "There is a view views/night already: choose another name, or update it."


async def test_a_deleted_view_is_gone(stub: Stub) -> None:
    await stub.CreateView(CreateViewRequest(view=NIGHT))
    await stub.DeleteView(DeleteViewRequest(name=NIGHT.name))
    assert (await _refusal(stub.GetView(GetViewRequest(name=NIGHT.name))))[:2] == ("NOT_FOUND", "NOT_FOUND")
    assert (await _refusal(stub.DeleteView(DeleteViewRequest(name=NIGHT.name))))[0] == "NOT_FOUND"
    assert (await _refusal(stub.UpdateView(UpdateViewRequest(view=NIGHT))))[0] == "NOT_FOUND"


async def test_views_are_listed_by_name_page_by_page(stub: Stub) -> None:
    for name in ("c", "a", "b"):
        await stub.CreateView(CreateViewRequest(view=View(name=f"views/{name}", title=name)))
    first = await stub.ListViews(ListViewsRequest(page_size=2))
    second = await stub.ListViews(ListViewsRequest(page_size=2, page_token=first.next_page_token))
    assert [view.title for view in (*first.views, *second.views)] == ["a", "b", "c"]
    assert second.next_page_token == ""


async def test_there_are_no_more_views_than_a_list_can_take(store: DecisionStore) -> None:
    made = [await store.views.create(Kept(name=name, title=name), most=2) for name in ("a", "b", "c")]
    assert made == [True, True, False]


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ({"name": "night"}, "A view is named views/{view}"),
        ({"name": "views/Night"}, "A view is named views/{view}"),
        ({"title": ""}, "A view needs a title."),
        ({"title": "x" * 201}, "At most 200 characters on one line"),
        ({"title": "a\nb"}, "At most 200 characters on one line"),
        ({"owner": "\x1b[31m"}, "At most 200 characters on one line"),
        ({"filter": "agnt = x"}, "line 1, column 1: There is no field agnt. Did you mean agent?"),
        ({"order_by": "latence"}, "ordered by latence. Did you mean latency?"),
        ({"columns": ["agent", "agnt"]}, "There is no field agnt. Did you mean agent?"),
        ({"columns": ["agent"] * 31}, "at most 30 columns"),
    ],
)
async def test_a_view_that_could_not_be_shown_is_not_saved(stub: Stub, view: dict[str, Any], said: str) -> None:
    wrong = View(**({"name": "views/wrong", "title": "Wrong"} | view))
    code, reason, text = await _refusal(stub.CreateView(CreateViewRequest(view=wrong)))
    assert (code, reason) == ("INVALID_ARGUMENT", "ARGUMENT_INVALID")
    assert said in text
    assert not (await stub.ListViews(ListViewsRequest())).views


async def test_why_a_view_is_not_saved_is_said_in_french(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.CreateView(CreateViewRequest(view=View(name="views/x")), metadata=(("accept-language", "fr"),))
    assert text_from(failed.value) == "Une vue a besoin d’un titre."


@given(st.text(max_size=30))
def test_a_page_token_of_views_is_ours_or_refused(token: str) -> None:
    try:
        paging.name_of(token)
    except CallEnded as ended:
        assert "page_token is not one of ours" in ended.message  # noqa: PT017 - either is right


async def _refusal(call: Any) -> tuple[str, str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return failed.value.code().name, reason_from(failed.value), failed.value.details() or ""
