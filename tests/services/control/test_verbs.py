"""Paths with a verb after a name reach the operation that is declared with the verb as a segment."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, get, post
from litestar.params import FromPath
from litestar.testing import AsyncTestClient

from services.control.api.verbs import joined, parted, parting, plain_in

PLAIN = frozenset({"/v1/decisions:tail"})


@pytest.mark.parametrize(
    ("path", "routed"),
    [
        ("/v1/holds/a1:approve", "/v1/holds/a1/:approve"),
        ("/v1/agents/acme/sales-bot:newKey", "/v1/agents/acme/sales-bot/:newKey"),
        ("/v1/decisions:tail", "/v1/decisions:tail"),
        ("/v1/holds/a1", "/v1/holds/a1"),
        ("/v1/holds/:approve", "/v1/holds/:approve"),
        ("/v1/holds/a:", "/v1/holds/a:"),
        ("/", "/"),
    ],
)
def test_only_a_verb_after_a_name_is_parted(path: str, routed: str) -> None:
    assert parted(path, PLAIN) == routed


@given(st.text(max_size=40))
def test_whatever_a_path_is_nothing_of_it_is_lost(path: str) -> None:
    assert parted(path, PLAIN).replace("/:", ":") == path.replace("/:", ":")
    assert parted(parted(path, PLAIN), PLAIN) == parted(path, PLAIN)


def test_a_description_shows_paths_as_they_are_outside() -> None:
    assert joined({"/v1/holds/{hold}/:approve": 1, "/v1/holds/{hold}": 2}) == {
        "/v1/holds/{hold}:approve": 1,
        "/v1/holds/{hold}": 2,
    }


async def test_a_request_reaches_its_operation_and_is_signed_as_it_was_sent() -> None:
    @post("/v1/holds/{hold:str}/:approve", status_code=200)
    async def approve(hold: FromPath[str], request: Request[Any, Any, Any]) -> dict[str, str]:
        return {"hold": hold, "sent": request.scope["raw_path"].decode()}

    @get("/v1/holds:sum")
    async def summed() -> dict[str, str]:
        return {"is": "plain"}

    app = Litestar([approve, summed], openapi_config=None)
    async with AsyncTestClient(parting(app, plain_in(app))) as client:
        assert (await client.post("/v1/holds/h1:approve")).json() == {"hold": "h1", "sent": "/v1/holds/h1:approve"}
        assert (await client.get("/v1/holds:sum")).json() == {"is": "plain"}
        assert (await client.get("/v1/holds/h1:refuse")).status_code == 404
