"""Somebody follows every link of the console, and nothing goes wrong on any page.

No script fails, nothing is loaded that the content security policy forbids, and nothing that is not there: the fixture
`visit` sees to that.
"""

import re
from collections import deque
from typing import Any, Final

import pytest

from pilote.crm.v1.contact_pb2 import Contact
from services.control.access.rights import RIGHTS, Role
from services.control.console.console import PAGES
from services.findings.store import FindingStore
from tests.console.conftest import Visit
from tests.console.test_models import ramp
from tests.console.test_webhooks import lost
from tests.console.visiting import Visitor
from tests.console.workplace import Workplace
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import allow_all, cap
from tests.e2e.requests import get
from tests.e2e.world import credential, told
from tests.fakes.upstream import answering, fake_upstream
from tests.services.findings.test_finding import seen

LOOKS: Final[dict[str, dict[str, Any]]] = {
    "desk": {},
    "dark-phone-french": {"phone": True, "dark": True, "locale": "fr-FR"},
}
MOST: Final = 60
"""Pages of one walk; there are fewer kinds of them."""
_LINKS: Final = "links => [...new Set(links.map((link) => link.getAttribute('href')))]"
_NAMED: Final = re.compile(r"[0-9a-f-]{16,}|\d+|(?<=^/agents/)[^/]+|(?<=^/people/)[^/]+")
_LEFT_OUT: Final = re.compile(r"/(static|schema|logout|v1)\b|\.json$|/(export|eml|html|pdf|txt)\b|#")
"""What is no page of the console; in a document to be taken along no script runs, so axe would wait for ever."""
_BROKEN: Final = """
() => [...document.querySelectorAll("use")].map((use) => use.href.baseVal.split("#")[1])
  .filter((name) => !name).length + [...document.images].filter((image) => image.complete && !image.naturalWidth).length
"""


async def _data(work: Workplace, stack: Any) -> None:
    """Something for every page to show: a rollout, a cap, calls that are made, refused and held, and a stop."""
    new = await stack.enter_async_context(fake_upstream())
    for upstream in (work.upstream, new):
        upstream.behave = answering(Contact(display_name="Ada").SerializeToString())
    data = ramp(work.upstream, new)
    await work.publish(data | {"rules": [HOLD_CONTACTS, allow_all()], "caps": [cap(3)]})
    for each in range(4):
        await told(work.world.agent().contacts.GetContact(get(f"contacts/{each}"), metadata=credential("sales-bot")))
    await Desk(work.world).held()
    await FindingStore(work.world.redis).see([seen()], now_ms=work.world.clock())
    await work.stop("agent=research-bot", "It asks too much")
    await lost(work)


async def walk(visitor: Visitor, *, axe: bool) -> list[str]:
    """Every kind of page that links lead to from the first one, each once."""
    page = await visitor.go("/now")
    await page.locator("#now[data-called=yes]").wait_for()  # it loads itself anew when the first call is counted
    waiting, seen = deque(["/now"]), dict[str, str]()
    while waiting and len(seen) < MOST:
        path = waiting.popleft()
        kind = _NAMED.sub("*", path.partition("?")[0])
        if kind in seen or _LEFT_OUT.search(path):
            continue
        seen[kind] = path
        page = await visitor.go(path)
        assert await page.locator("h1").count() == 1, path
        assert await page.evaluate(_BROKEN) == 0, path
        assert await visitor.overflow() <= 0, path
        if axe:
            assert await visitor.axe() == [], path
        await visitor.snap(kind.strip("/").replace("/", "-").replace("*", "x"))
        waiting += await page.locator("a[href^='/']").evaluate_all(_LINKS)
    return list(seen)


@pytest.mark.integration
@pytest.mark.timeout(400)  # many pages, on a machine that may have other things to do
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
async def test_nothing_goes_wrong_on_any_page_that_links_lead_to(
    visit: Visit, work: Workplace, look: dict[str, Any]
) -> None:
    await _data(work, work.world.stack)
    ada = await work.enter(await visit(work.url, **look), "ada", *Role)
    seen = await walk(ada, axe=True)
    assert {f"/{page.name}" for page in PAGES if page.icon} <= set(seen)
    assert len(seen) > 25, seen


@pytest.mark.integration
@pytest.mark.timeout(400)
@pytest.mark.parametrize("role", Role)
async def test_no_link_leads_a_role_where_it_may_not_go(visit: Visit, work: Workplace, role: Role) -> None:
    await _data(work, work.world.stack)
    visitor = await work.enter(await visit(work.url), "ada", role)
    seen = await walk(visitor, axe=False)
    assert {f"/{page.name}" for page in PAGES if page.icon and page.right in RIGHTS[role]} <= set(seen)
