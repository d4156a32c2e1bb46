"""What pages about a policy of 1,000 rules cost: `python -m loadtests.policy_pages [--rules N]` prints it as JSON.

A control plane on a store of its own, an account that is logged in, an active policy of 1,000 rules and a draft of it.
Each page is asked for in turn, again and again; the figures are milliseconds from request to answer, median, least and
most. `check` is the check of the draft's text while somebody types, without looking for rules that do nothing.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from redis.exceptions import RedisError

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.redis_clients import Client, connected
from services import redis_server
from services.control.access.accesses import Access
from services.control.access.accounts import Account
from services.control.access.rights import Role
from services.control.drafts.rendering import as_text
from services.control.drafts.store import DraftStore
from services.control.options import Options
from services.control.server import running

RULES: Final = 1_000
ROUNDS: Final = 15
_PASSWORD: Final = "seven green umbrellas"  # noqa: S105 - of an account that ends with the run
_KEY: Final = bytes(range(32))
_START_SECONDS: Final = 20.0


def policy(rules: int) -> dict[str, Any]:
    """A policy of so many rules, each with a condition of its own."""
    many = [
        {"name": f"rule-{n}", "description": f"Number {n}.", "effect": "deny",
         "methods": ["/pilote.crm.v1.DealService/UpdateDeal"], "when": f"request.deal.amount_cents == {n}"}
        for n in range(rules)
    ]  # fmt: skip
    return {
        "agents": [{"name": "bot", "tenant": "acme", "keys": [{"id": "k", "sha256": "0" * 64}]}],
        "upstreams": [{"name": "crm", "address": "127.0.0.1:1"}],
        "routes": [{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": [{"name": "crm", "upstream": "crm"}]}],
        "rules": [{"name": "open", "effect": "allow"}, *many],
    }


async def measured(rules: int, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        command = redis_server.command(home, append_only=False)
        server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        try:
            return await _measured(redis_server.url_of(home), rules, rounds)
        finally:
            server.kill()
            await server.wait()


async def _measured(url: str, rules: int, rounds: int) -> dict[str, Any]:
    redis = await _store(url)
    document = load(policy(rules)).document
    content = canonical(document)
    for number in (1, 2):
        first = Published(sha256="0" * 64, author="bench", created_ms=number, document=msgspec.Raw(content))
        await RevisionStore(redis).publish(first)
    draft = await DraftStore(redis).create(as_text(document), title="t", by="ann", base=1, now_ms=1)
    control = running(Options(
        listen="127.0.0.1:0", redis_url=url, audit="127.0.0.1:1", pseudonym_key=_KEY, drain_seconds=1,
        control_keys=(_KEY,),
    ))  # fmt: skip
    async with control as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        csrf = await _logged_in(redis, client)
        name, path = f"/policy/drafts/{draft.id}", f"/v1/policy-drafts/{draft.id}"
        headers = {"x-csrf-token": csrf}
        asked: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
            "overview": lambda: client.get("/policy"),
            "search": lambda: client.get("/policy?q=rule-500"),
            "draft": lambda: client.get(name),
            "rule": lambda: client.get(f"{name}?section=rules&name=rule-500"),
            "revision": lambda: client.get("/policy/history/2"),
            "history": lambda: client.get("/policy/history"),
            "check": lambda: client.post(f"{path}:check", json={"findings": False}, headers=headers),
        }
        took: dict[str, list[float]] = {key: [] for key in asked}
        for number in range(rounds + 2):
            for key, ask in asked.items():
                begun = time.perf_counter()
                answer = await ask()
                if answer.status_code != 200:
                    raise RuntimeError(f"{key} answers {answer.status_code}")
                if number >= 2:  # what comes first starts processes
                    took[key].append(1000 * (time.perf_counter() - begun))
    await redis.aclose()
    spread = {key: [round(of(each), 1) for of in (statistics.median, min, max)] for key, each in took.items()}
    return {"rules": rules, "rounds": rounds, **spread}


async def _store(url: str) -> Client:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                return await connected(url)
            except (RedisError, OSError):
                await asyncio.sleep(0.05)


async def _logged_in(redis: Client, client: httpx.AsyncClient) -> str:
    now_ms = time.time_ns() // 1_000_000
    access = Access(redis, keys=(_KEY,), clock_ms=lambda: now_ms)
    account = Account(name="ann", grants={"*": (Role.OFFICER,)}, created_ms=now_ms)
    _, once = await access.administration.add(account, now_ms=now_ms)
    access.close()
    answer = await client.post("/v1/session", json={"name": "ann", "password": once})
    headers = {"x-csrf-token": answer.json()["csrfToken"]}
    changed = {"old": once, "new": _PASSWORD}
    answer = await client.post("/v1/session/password", json=changed, headers=headers)
    return str(answer.json()["csrfToken"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules", type=int, default=RULES)
    sys.stdout.write(json.dumps(asyncio.run(measured(parser.parse_args().rules)), indent=2) + "\n")
