"""Pages about a large policy ask no more of the store, and show no more, than those about a small one."""

import re
from typing import Any

import msgspec

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.redis_clients import Client
from services.control.access.rights import Role
from services.control.drafts.rendering import as_text
from services.control.drafts.store import DraftStore
from tests.e2e.insiders import Browser, Inside
from tests.e2e.policy import policy
from tests.e2e.waiting import eventually


async def reads(redis: Client) -> int:
    """How often anything was read of what revisions, proposals and drafts are kept in."""
    told: dict[str, Any] = await redis.info("commandstats")
    return sum(told.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("hget", "hmget", "hgetall", "hkeys"))


async def shown(house: Inside, redis: Client, ann: Browser, rules: int) -> tuple[dict[str, str], int]:
    """The pages about a policy of so many rules, and what was read for the overview."""
    many = [{"name": f"rule-{n}", "effect": "deny", "when": f'call.channel == "c{n}"'} for n in range(rules)]
    document = load(policy("127.0.0.1:1", rules=[*many, {"name": "open", "effect": "allow"}])).document
    made = Published(sha256="0" * 64, author="", created_ms=1, document=msgspec.Raw(canonical(document)))
    number = await RevisionStore(redis).publish(made)
    draft = await DraftStore(redis).create(as_text(document), title="t", by="ann", base=number, now_ms=1)

    async def runs() -> bool | None:
        return f"Revision {number} is active" in (await ann.ask("GET", "/policy")).text or None

    await eventually(runs, what=f"revision {number}")
    before = await reads(redis)
    paths = {"overview": "/policy", "draft": f"/policy/drafts/{draft.id}", "search": "/policy?q=rule"}
    pages = {name: (await ann.ask("GET", path)).text for name, path in paths.items()}
    return pages, await reads(redis) - before


async def test_a_thousand_rules_are_read_and_listed_like_a_hundred(house: Inside, redis: Client) -> None:
    ann = await house.somebody("ann", Role.OFFICER)
    small, small_reads = await shown(house, redis, ann, 100)
    large, large_reads = await shown(house, redis, ann, 1_000)
    assert large_reads <= small_reads + 3  # the draft of the small one is listed too, say
    assert abs(len(large["overview"]) - len(small["overview"])) < 1_000
    assert [len(re.findall(r'data-line="\d', each["draft"])) for each in (small, large)] == [50, 50]
    assert "951 more" in large["draft"]
    assert large["search"].count("<strong>rule-") == 50
