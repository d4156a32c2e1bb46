"""Whoever works on drafts over HTTP."""

import asyncio
import time
from typing import Any

import msgspec
import requests

from services.control.access.asking import header, to_sign
from tests.e2e.waiting import eventually
from tests.signatures import signer

FINAL = ("succeeded", "failed", "cancelled")


class Drafter:
    """A person of the policy who signs requests; `etag` is that of the draft they have seen last."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self.etag = ""

    async def ask(self, method: str, target: str, body: Any = None, *, lang: str = "en", **headers: str) -> Any:
        """The response to a signed request."""
        sent = b"" if body is None else msgspec.json.encode(body)
        created = time.time_ns() // 1_000_000
        signature = signer(self.name).sign(to_sign(method, target, sent, created_ms=created))
        said = {"authorization": header(self.name, signature, created_ms=created), "accept-language": lang}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        done = await asyncio.to_thread(
            lambda: requests.request(method, f"{self.url}{target}", data=sent, headers=said, timeout=60)
        )
        self.etag = done.headers.get("etag", self.etag)
        return done

    async def begin(self, **what: Any) -> str:
        """A new draft's path."""
        done = await self.ask("POST", "/v1/policy-drafts", {"title": "t"} | what)
        assert done.status_code == 201, done.text
        return f"/v1/{done.json()['name']}"

    async def over(self, started: Any) -> dict[str, Any]:
        """What came of a job that an answer says has begun."""
        assert started.status_code == 202, started.text
        target = started.headers["location"]

        async def look() -> Any:
            job = (await self.ask("GET", target)).json()
            return job if job["state"] in FINAL else None

        found: dict[str, Any] = await eventually(look, what="the job's end", within=90)
        return found
