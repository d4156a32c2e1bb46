"""New keys of agents, with the change of the policy that they need: a draft, which others approve as any other."""

from typing import NamedTuple

from gateway.core.policy.callers import Agent
from services.control.access.principals import Principal
from services.control.access.rights import Right
from services.control.agent_keys import with_key
from services.control.agents import AgentBook, NewKey
from services.control.drafts.drafting import Drafting
from services.control.drafts.edits import EditRefused
from services.control.drafts.store import DraftProblem
from services.control.texts import say


class Prepared(NamedTuple):
    """A new key, and what was made of it."""

    key: NewKey
    draft: str = ""
    """The draft of the policy in which the key counts; empty: there is none."""
    refused: EditRefused | DraftProblem | None = None
    """Why there is none; `None` also where whoever asked may not write policies."""


async def prepared(book: AgentBook, drafts: Drafting, agent: Agent, *, who: Principal, language: str) -> Prepared:
    """A new key of an agent, and where they may write policies a draft that has its hash beside the keys there are.

    The key is made first: what keeps the draft from being made must not cost the one sight of it. `language` is that
    of the draft's title.

    Raises:
        Undone: STORE_UNAVAILABLE where it cannot be noted who has made it.
    """
    made = await book.new_key(agent, who=who)
    if not who.may(Right.POLICY_WRITE):
        return Prepared(made)
    title = say("key-draft", language=language, key=made.id, agent=agent.name)
    try:
        return Prepared(made, await drafts.begin(title, with_key(agent, made), who=who))
    except (EditRefused, DraftProblem) as refused:
        return Prepared(made, refused=refused)
