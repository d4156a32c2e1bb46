"""New keys of agents, with the change of the policy that they need: a draft, which others approve as any other."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.policy.callers import Agent
from services.control.access.principals import Principal
from services.control.access.rights import Right
from services.control.agent_keys import with_key
from services.control.agents import AgentBook, NewKey
from services.control.changes import Who
from services.control.drafts.drafting import MOST_TITLE, Drafting
from services.control.drafts.edits import Edit, EditRefused
from services.control.drafts.store import DraftProblem


class Prepared(NamedTuple):
    """A new key, and what was made of it."""

    key: NewKey
    draft: str = ""
    """The draft of the policy in which the key counts; empty: there is none."""
    refused: EditRefused | DraftProblem | None = None
    """Why there is none; `None` also where whoever asked may not write policies."""


async def prepared(book: AgentBook, drafts: Drafting, agent: Agent, *, who: Principal, title: str) -> Prepared:
    """A new key of an agent, and where they may write policies a draft that has its hash beside the keys there are.

    The key is made first: what keeps the draft from being made must not cost the one sight of it. `title` is the
    draft's, with "{key}" where the key's id goes.

    Raises:
        Undone: STORE_UNAVAILABLE where it cannot be noted who has made it.
    """
    made = await book.new_key(agent, who=who)
    if not who.may(Right.POLICY_WRITE):
        return Prepared(made)
    try:
        return Prepared(made, await in_draft(drafts, title.replace("{key}", made.id), with_key(agent, made), who=who))
    except (EditRefused, DraftProblem) as refused:
        return Prepared(made, refused=refused)


async def in_draft(drafts: Drafting, title: str, edits: Sequence[Edit], *, who: Who) -> str:
    """The id of a new draft of the active policy with these edits made.

    Raises:
        EditRefused: one of them cannot be made.
        DraftProblem: there is no room for a draft.
    """
    made, _ = await drafts.create(title=title[:MOST_TITLE], who=who)
    await drafts.edit(made.id, edits, version=made.version, who=who)
    return made.id
