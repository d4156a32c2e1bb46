"""People with browsers: real pages in Debian's Chromium, and nothing on them may go wrong unsaid."""

import contextlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Playwright, Response
from requests import Session

from tests.e2e.insiders import GOOD

ROOT: Final = Path(__file__).parents[2]
AXE: Final = ROOT / ".build" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1360, "height": 860}
_WATCH: Final = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} forbids ${event.blockedURI || event.sample}`);
});
"""
_TRIES: Final = 5
LOOKS: Final = pytest.mark.parametrize(
    "look",
    [
        pytest.param({}, id="desk"),
        pytest.param({"phone": True, "dark": True, "locale": "fr-FR"}, id="dark-phone-french"),
        pytest.param({"dark": True}, id="dark", marks=pytest.mark.integration),
        pytest.param({"phone": True}, id="phone", marks=pytest.mark.integration),
    ],
)
"""What a page may look like: with two of them all is seen once, each scheme, width and language."""
_FAILURES: Final = ("Failed to load resource", "Response Status Error Code", "htmx:afterRequest", "htmx:send")
"""How the browser and htmx speak of them; the last two of requests that end because the page is left."""
_SEND: Final = """
async ([path, form]) => {
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), accept: "text/html" };
  const answer = await fetch(path, { method: "POST", headers, body: new URLSearchParams(form) });
  return [answer.status, await answer.text()];
}
"""
_RUN_AXE: Final = """
async () => {
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, { runOnly: rules });
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}
"""


async def launched(playwright: Playwright) -> Browser:
    """A browser without a window: where it is installed, the Chromium that has none, which takes half the time."""
    binary = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert binary, "tests of pages need Debian's Chromium: apt-get install chromium-headless-shell (.ci/run does it)"
    # Without a sandbox of its own it runs for root too, as CI is; it sees nothing but our own pages.
    return await playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])


@dataclass
class Visitor:
    """Somebody with a browser of their own."""

    context: BrowserContext
    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    """What went wrong on pages; must be empty in the end, but for statuses that the test expects."""
    expected: set[int] = field(default_factory=set)
    """Statuses of failures that the test brings about."""
    shots: Path | None = None
    """Where pictures go; `None`: none are taken."""

    async def snap(self, step: str) -> None:
        """Take pictures of the page as it is at a desk and on a phone, to be looked at."""
        if self.shots is None:
            return
        self.shots.mkdir(parents=True, exist_ok=True)
        before = self.page.viewport_size
        for name, size in (("desk", DESK), ("phone", PHONE)):
            await self.page.set_viewport_size(size)  # type: ignore[arg-type]
            # By default it hides the caret by a style of its own, which the content security policy forbids.
            await self.page.screenshot(path=self.shots / f"{step}-{name}.png", full_page=True, caret="initial")
        await self.page.set_viewport_size(before or DESK)  # type: ignore[arg-type]

    async def go(self, path: str) -> Page:
        """Open a page, and wait until it has loaded everything."""
        await self.page.goto(f"{self.url}{path}", wait_until="load")
        return self.page

    async def log_in(self, name: str, password: str = GOOD) -> Page:
        """Fill in the page for logging in, which one is on."""
        await self.page.get_by_label("Name").or_(self.page.get_by_label("Nom")).fill(name)
        await self.page.get_by_label("Password").or_(self.page.get_by_label("Mot de passe")).fill(password)
        await self.page.locator("main form button.main").click()
        return self.page

    async def continues(self, session: Session) -> None:
        """Be whoever has logged in with these cookies."""
        cookies = [{"name": each.name, "value": each.value or "", "url": self.url} for each in session.cookies]
        await self.context.add_cookies(cookies)  # type: ignore[arg-type]

    async def axe(self) -> list[str]:
        """What axe finds on the page as it is now."""
        if not await self.page.evaluate("typeof axe !== 'undefined'"):
            assert AXE.is_file(), "the console's packages are not installed: run .ci/assets"
            await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        for _ in range(_TRIES):
            with contextlib.suppress(Error):  # the page has changed under it
                found: list[str] = await self.page.evaluate(_RUN_AXE)
                return found
        raise AssertionError("the page does not stop changing, so axe cannot look at it")

    async def sent(self, path: str, **form: str) -> tuple[int, str]:
        """Status and page of a form that the page might not have offered; it carries the session's token."""
        status, text = await self.page.evaluate(_SEND, [path, form])
        return int(status), str(text)

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wider: int = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return wider


async def visitor(
    browser: Browser,
    url: str,
    *,
    locale: str = "en-US",
    phone: bool = False,
    dark: bool = False,
    shots: Path | None = None,
    **more: Any,
) -> Visitor:
    """Somebody who opens a browser in that language, at a desk or on a phone, with a light or a dark scheme."""
    context = await browser.new_context(
        locale=locale,
        viewport=PHONE if phone else DESK,  # type: ignore[arg-type]
        color_scheme="dark" if dark else "light",
        has_touch=phone,
        reduced_motion="reduce",
        timezone_id="Europe/Paris",
        **more,
    )
    await context.add_init_script(_WATCH)
    made = Visitor(context, await context.new_page(), url, shots=shots)

    def heard(message: ConsoleMessage) -> None:
        # What fails to load is seen below, with its status.
        if message.type in {"error", "warning"} and not message.text.startswith(_FAILURES):
            made.wrong.append(f"console: {message.text}")

    def answered(response: Response) -> None:
        if response.status >= 400 and response.status not in made.expected:
            made.wrong.append(f"{response.status}: {response.request.method} {response.url}")

    made.page.on("console", heard)
    made.page.on("pageerror", lambda error: made.wrong.append(f"script: {error}"))
    made.page.on("response", answered)
    return made
