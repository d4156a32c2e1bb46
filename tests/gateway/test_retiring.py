"""A replaced revision is let go of bit by bit, once nobody needs it, and not before."""

import asyncio
import weakref

from gateway.activation.retiring import Retiring
from gateway.core.revision.compiled import Revision
from tests.e2e.waiting import until
from tests.policies import revision

RULES = [{"name": f"r{n}", "effect": "deny", "when": f'agent.name == "a{n}"'} for n in range(300)]


async def test_a_revision_that_a_call_still_needs_is_kept_until_the_call_has_ended() -> None:
    retiring = Retiring()
    held: list[Revision] = [revision(rules=RULES)]
    gone = weakref.ref(held[0])
    retiring.let_go(held[0])
    for _ in range(20):
        await asyncio.sleep(0)
    assert held[0].methods  # as good as ever
    held.clear()
    assert gone() is None
    await until(lambda: not retiring._running, what="letting go")


async def test_closing_waits_for_no_call() -> None:
    retiring = Retiring()
    kept = revision(rules=RULES)
    retiring.let_go(kept)
    await retiring.close()
    assert kept.methods
