"""Single exchanges over HTTP: where they may lead, how much they may bring, and what is told when nothing comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from services.crm.connectors import network
from services.crm.connectors.exchange import MOST_ANSWER_BYTES, Answer, Lost, Outgoing, exchanged


async def _moved(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": request.query["to"]})


async def _arrived(request: web.Request) -> web.Response:
    return web.json_response({"authorization": request.headers.get("Authorization")})


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for _ in range(20):
            await response.write(b" " * (MOST_ANSWER_BYTES // 10))
    return response


async def _deep(request: web.Request) -> web.Response:
    return web.Response(body=b"[" * 100_000)


async def _silent(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[str]:
    app = web.Application()
    for path, handler in (
        ("/moved", _moved), ("/arrived", _arrived), ("/huge", _huge), ("/deep", _deep), ("/silent", _silent),
    ):  # fmt: skip
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _asked(url: str, *, method: str = "GET", seconds: float = 10, allow_private: bool = True) -> Answer:
    outgoing = Outgoing(method, url, {"Authorization": "Bearer key"}, None, safe=method == "GET")
    async with network.session(allow_private=allow_private, connections=2) as session:
        return await exchanged(session, outgoing, until=asyncio.get_running_loop().time() + seconds)


async def test_a_read_is_led_on_within_the_host_and_to_no_other() -> None:
    async with _listening() as url, _listening() as other:
        assert (await _asked(f"{url}/moved?to=/arrived")).body == {"authorization": "Bearer key"}
        assert (await _asked(f"{url}/moved?to={other}/arrived")).status == 302
        assert (await _asked(f"{url}/moved?to=/arrived", method="POST")).status == 302
        assert (await _asked(f"{url}/moved?to=/moved?to=/moved")).status != 200


async def test_an_answer_that_is_too_large_or_too_deep_is_none() -> None:
    async with _listening() as url:
        for path in ("huge", "deep"):
            answer = await _asked(f"{url}/{path}")
            assert (answer.body, answer.readable) == (None, False)


@pytest.mark.parametrize(("method", "reason"), [("GET", "UPSTREAM_FAILED"), ("POST", "UPSTREAM_IN_DOUBT")])
async def test_silence_leaves_a_change_in_doubt_and_a_read_failed(method: str, reason: str) -> None:
    async with _listening() as url:
        with pytest.raises(Lost, match=reason):
            await _asked(f"{url}/silent", method=method, seconds=0.2)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1.nip.invalid"])
async def test_a_name_that_leads_to_a_private_address_is_not_followed(host: str) -> None:
    async with _listening() as url:
        with pytest.raises(Lost, match="UPSTREAM_UNAVAILABLE"):
            await _asked(f"{url.replace('127.0.0.1', host)}/arrived", allow_private=False)
