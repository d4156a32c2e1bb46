"""Agents over HTTP: who they are, what they did lately, and new keys for them."""

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.persons import language_in
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.agent_drafts import prepared
from services.control.agent_keys import lines_of
from services.control.agents import AgentBook, AgentShown, NewKey
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant
from services.control.drafts.drafting import Drafting
from services.control.paging import page
from services.control.policy import ActivePolicy


class AgentsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Agents."""

    agents: tuple[AgentShown, ...]
    next_page_token: str = ""


class KeyMade(NewKey, frozen=True, kw_only=True, rename="camel"):
    """A key that was just made, and what becomes of it."""

    lines: str
    """What somebody who writes the policy adds to it, as YAML."""
    draft: str
    """`policy-drafts/{draft}`: the policy with the new key beside the old ones, to be looked at and submitted.

    Empty where you may not write policies, or it could not be made.
    """


class Agents:
    """Shows agents to who may see what happens, and lets some make keys for them."""

    def __init__(self, book: AgentBook, drafts: Drafting, policy: ActivePolicy) -> None:
        self._book = book
        self._drafts = drafts
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @get("/v1/agents", right=Right.SEE, summary="List agents")
        async def listed(
            request: Asking, *, tenant: Tenant = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[AgentsShown]:
            """The agents of the active policy, by name, and what they did in the last 24 hours."""
            tenants = tenants_for(principal_of(request), Right.SEE, self._policy.tenants, asked=tenant)
            found = self._book.list(tenants)
            agents, further = page(found, place=lambda each: (0, each.name), size=size, token=token)
            return Response(AgentsShown(agents=await self._book.shown(agents), next_page_token=further))

        @get("/v1/agents/{agent:str}", right=Right.SEE, summary="Get an agent")
        async def one(request: Asking, agent: FromPath[str]) -> Response[AgentShown]:
            """One agent."""
            tenants = tenants_for(principal_of(request), Right.SEE, self._policy.tenants)
            (shown,) = await self._book.shown([self._book.find(tenants, agent)])
            return Response(shown)

        @post(
            "/v1/agents/{agent:str}/:newKey", right=Right.AGENTS, status_code=200, summary="Make a key", told_once=True
        )
        async def new_key(request: Asking, agent: FromPath[str]) -> Response[KeyMade]:
            """A new key, told once. It counts once a revision has its hash among the agent's keys: submit the draft."""
            who = principal_of(request)
            found = self._book.find(tenants_for(who, Right.AGENTS, self._policy.tenants), agent)
            made, draft, _ = await prepared(self._book, self._drafts, found, who=who, language=language_in(request))
            return Response(
                KeyMade(
                    **msgspec.structs.asdict(made),
                    lines=lines_of(found, made),
                    draft=f"policy-drafts/{draft}" if draft else "",
                )
            )

        return [listed, one, new_key]
