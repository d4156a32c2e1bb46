"""The console: its pages, in the order of the navigation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from services.control.access.rights import Right
from services.control.console.page import Page, Parts
from services.control.console.pages import (
    account,
    agents,
    cockpit,
    confirm,
    decisions,
    digest,
    findings,
    guide,
    holds,
    integrations,
    integrity,
    login,
    models,
    now,
    objectives,
    oidc,
    password,
    people,
    policy,
    preferences,
    pressure,
    probes,
    reports,
    reviews,
    session,
    stops,
    targeting,
    waiting,
    what_if,
)
from services.control.console.rendering import TEMPLATES, environment, go_to
from services.control.console.static_files import StaticFiles
from services.control.console.texts import failure, shell
from services.control.console.wording import Wording

PAGES: Final[tuple[Page, ...]] = (
    now.PAGE,
    cockpit.PAGE,
    what_if.PAGE,
    decisions.PAGE,
    findings.PAGE,
    reviews.PAGE,
    probes.PAGE,
    objectives.PAGE,
    pressure.PAGE,
    targeting.PAGE,
    policy.PAGE,
    models.PAGE,
    holds.PAGE,
    agents.PAGE,
    stops.PAGE,
    integrity.PAGE,
    reports.PAGE,
    integrations.PAGE,
    people.PAGE,
    account.PAGE,
    login.PAGE,
    password.PAGE,
    confirm.PAGE,
    digest.PAGE,
    preferences.PAGE,
    oidc.PAGE,
    guide.PAGE,
    session.PAGE,
    waiting.PAGE,
)


class Console:
    """All pages."""

    def __init__(
        self,
        parts: Parts,
        *,
        pages: Sequence[Page] = PAGES,
        folders: Sequence[Path] = (TEMPLATES,),
        static: StaticFiles | None = None,
    ) -> None:
        """`folders` have the templates of the pages; `static` is what they load, by default what is built."""
        self._parts = parts
        self._pages = tuple(pages)
        self._folders = tuple(folders)
        self._static = static or StaticFiles()

    def handlers(self) -> list[HTTPRouteHandler]:
        """All of its handlers."""
        pages = [handler for page in self._pages for handler in page.handlers(self._parts)]
        return [_start(f"/{self._pages[0].name}"), self._static.handler(), *pages]

    def templates(self) -> TemplateConfig[JinjaTemplateEngine]:
        """How its pages are rendered."""
        sections = [page for page in self._pages if page.icon]
        made = environment(wording(self._pages), self._static, sections=sections, folders=self._folders)
        return TemplateConfig(instance=JinjaTemplateEngine.from_environment(made))


def wording(pages: Sequence[Page]) -> Wording:
    """What the pages say, and the frame around them."""
    return Wording((shell.TEXTS, failure.TEXTS, *(page.texts for page in pages)))


def _start(path: str) -> HTTPRouteHandler:
    @get("/", right=Right.ANYONE, include_in_schema=False)
    async def start(request: Request[Any, Any, Any]) -> Response[None]:
        """Where everybody begins."""
        return go_to(request, path)

    return start
