"""A small CRM over HTTP, of two manners: REST with OAuth, ETags and cursors; JSON-RPC with sessions and offsets.

Its people are listed by page numbers, `Link` headers and next URLs too, and its refresh tokens are good for one use.

It can be made to refuse, to forget a login, and to lose an answer after having acted.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiohttp import web


class Vendor:
    """Its people and messages, and what is to go wrong next."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.sent: list[dict[str, Any]] = []
        self.logins = 0
        self.requests = 0
        self.by_key: dict[str, dict[str, Any]] = {}
        self.seen_keys: list[str] = []
        self._numbers = itertools.count(1)
        self._refusing = 0
        self._losing = 0
        self._token = ""
        self.refresh_token = "refresh-0"
        self.linked_at = ""
        """What stands before the paths of next pages; empty: they are relative."""

    def refuse_next(self) -> None:
        self._refusing = 1

    def expire(self) -> None:
        self._token = "replaced"

    def lose_next_answer(self) -> None:
        self._losing = 1

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._around])
        app.router.add_post("/oauth/token", self._granted)
        app.router.add_post("/api/people", self._create)
        app.router.add_get("/api/people", self._list)
        app.router.add_get("/api/by-page", self._list_by_page)
        app.router.add_get("/api/by-link", self._list_by_link)
        app.router.add_get("/api/by-url", self._list_by_url)
        app.router.add_get("/api/people/{id}", self._get)
        app.router.add_patch("/api/people/{id}", self._change)
        app.router.add_delete("/api/people/{id}", self._delete)
        app.router.add_post("/api/messages", self._send)
        app.router.add_post("/rpc", self._rpc)
        return app

    @web.middleware
    async def _around(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests += 1
        if request.path.startswith("/api") and request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.json_response({"error": "expired"}, status=401)
        login = request.path == "/oauth/token" or b'"login"' in await request.read()
        if self._refusing and not login:
            self._refusing -= 1
            return web.json_response({"error": "slow down"}, status=429, headers={"Retry-After": "7"})
        response: web.StreamResponse = await handler(request)
        if self._losing and request.method != "GET" and not login and not request.get("reads"):
            self._losing -= 1
            assert request.transport is not None
            request.transport.close()
        response.headers["X-Usage"] = f"{self.requests}/1000"
        return response

    async def _granted(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("client_secret") != "hush":
            return web.json_response({"error": "invalid_client"}, status=401)
        granted = {"access_token": self._log_in(), "expires_in": 3600}
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") != self.refresh_token:
                return web.json_response({"error": "invalid_grant"}, status=400)
            self.refresh_token = f"refresh-{self.logins}"
            granted["refresh_token"] = self.refresh_token
        return web.json_response(granted)

    def _log_in(self) -> str:
        self.logins += 1
        self._token = f"token-{self.logins}"
        return self._token

    def _make(self, given: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        person = {"id": f"Per_{number:015d}", "rev": 1, "createdAt": "2026-01-31T08:00:00Z", **given}
        self.people[person["id"]] = person
        return person

    async def _create(self, request: web.Request) -> web.Response:
        given, key = msgspec.json.decode(await request.read()), request.headers.get("Idempotency-Key", "")
        if key and key in self.by_key:
            return _shown(self.by_key[key], 201)
        person = self._make(given)
        if key:
            self.seen_keys.append(key)
            self.by_key[key] = person
        return _shown(person, 201)

    async def _list(self, request: web.Request) -> web.Response:
        after, limit = request.query.get("after", ""), int(request.query.get("limit", "2"))
        email = request.query.get("email")
        found = [p for p in self.people.values() if p["id"] > after and email in (None, p.get("email"))]
        answer: dict[str, Any] = {"results": found[:limit]}
        if len(found) > limit:
            answer["next"] = found[limit - 1]["id"]
        return web.json_response(answer)

    async def _list_by_page(self, request: web.Request) -> web.Response:
        number, size = int(request.query.get("page", "1")), int(request.query["size"])
        return web.json_response(list(self.people.values())[(number - 1) * size : number * size])

    async def _list_by_link(self, request: web.Request) -> web.Response:
        start, size = int(request.query.get("start", "0")), int(request.query["size"])
        links = [f'<{self.linked_at}/api/by-link?size={size}>; rel="first"']
        if start + size < len(self.people):
            links.append(f'<{self.linked_at}/api/by-link?start={start + size}&size={size}&x=a,b>; rel="next"')
        links.append(f'<{self.linked_at}/api/by-link?start=0&size={size}>; title="a, b"; rel="last"')
        return web.json_response(list(self.people.values())[start : start + size], headers={"Link": ", ".join(links)})

    async def _list_by_url(self, request: web.Request) -> web.Response:
        start, size = int(request.query.get("start", "0")), int(request.query["size"])
        more = start + size < len(self.people)
        following = f"{self.linked_at}/api/by-url?start={start + size}&size={size}" if more else None
        return web.json_response({"items": list(self.people.values())[start : start + size], "next": following})

    async def _get(self, request: web.Request) -> web.Response:
        person = self.people.get(request.match_info["id"])
        return web.json_response({"error": "none"}, status=404) if person is None else _shown(person)

    async def _change(self, request: web.Request) -> web.Response:
        person = self.people.get(request.match_info["id"])
        if person is None:
            return web.json_response({"error": "none"}, status=404)
        if request.headers.get("If-Match", _etag(person)) != _etag(person):
            return web.json_response({"error": "changed"}, status=412)
        person.update(msgspec.json.decode(await request.read()), rev=person["rev"] + 1)
        return _shown(person)

    async def _delete(self, request: web.Request) -> web.Response:
        gone = self.people.pop(request.match_info["id"], None)
        return web.Response(status=204 if gone is not None else 404)

    async def _send(self, request: web.Request) -> web.Response:
        message = {"id": f"m{len(self.sent) + 1}", "status": "queued", **msgspec.json.decode(await request.read())}
        self.sent.append(message)
        return web.json_response(message, status=201)

    async def _rpc(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read())
        method, params = asked["method"], asked.get("params") or {}
        if method == "login":
            right = params.get("password") == "hush"
            return _result({"session": self._log_in()} if right else None, error=None if right else "denied")
        if request.headers.get("X-Session") != self._token:
            return _result(None, error="session")
        if method == "create":
            return _result(self._make(params["values"])["id"])
        request["reads"] = method in ("read", "search")
        if method == "search":
            found = [p for p in self.people.values() if params.get("email") in (None, p.get("email"))]
            return _result(found[params["offset"] : params["offset"] + params["limit"]])
        person = self.people.get(params["id"])
        if person is None:
            return _result(None, error="missing")
        if method == "delete":
            del self.people[params["id"]]
        elif method == "write":
            person.update(params["values"], rev=person["rev"] + 1)
        return _result(person)


@contextlib.asynccontextmanager
async def vendor_running() -> AsyncIterator[tuple[Vendor, str]]:
    """The vendor and its URL, until the block ends."""
    vendor = Vendor()
    runner = web.AppRunner(vendor.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    assert isinstance(site._server, asyncio.Server)
    port = site._server.sockets[0].getsockname()[1]
    try:
        yield vendor, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def _etag(person: dict[str, Any]) -> str:
    return f'"{person["rev"]}"'


def _shown(person: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(person, status=status, headers={"ETag": _etag(person)})


def _result(value: Any, *, error: str | None = None) -> web.Response:
    answer = {"jsonrpc": "2.0", "id": 1}
    return web.json_response(answer | ({"result": value} if error is None else {"error": {"data": {"name": error}}}))
