"""Puts together what is done with drafts."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from gateway.redis_clients import Client
from services.control.access.account_store import AccountStore
from services.control.access.rights import Right, rights_of
from services.control.changes import Changes
from services.control.drafts.drafting import Drafting
from services.control.drafts.people import Holder
from services.control.drafts.questions import Questions
from services.control.drafts.store import DraftStore
from services.control.drafts.submitting import Submitting
from services.control.drafts.working import Sources
from services.control.drafts.workshop import Workshop
from services.control.proposing import Proposing
from services.control.shared_jobs import SharedJobs


@contextlib.asynccontextmanager
async def drafting(
    redis: Client,
    accounts: AccountStore,
    proposing: Proposing,
    *,
    sources: Sources,
    changes: Changes,
    clock_ms: Callable[[], int],
) -> AsyncIterator[Drafting]:
    """Drafts, until the block ends; then the processes end that work on them."""

    async def holders() -> Sequence[Holder]:
        return await holders_of(accounts)

    workshop, jobs, store = Workshop(), SharedJobs(redis, clock_ms=clock_ms), DraftStore(redis)
    submitting = Submitting(proposing, holders, workshop=workshop)
    questions = Questions(store, submitting, workshop=workshop, jobs=jobs, sources=sources, clock_ms=clock_ms)
    try:
        yield Drafting(store, submitting, questions, workshop=workshop, changes=changes, clock_ms=clock_ms)
    finally:
        await jobs.close()
        workshop.close()


async def holders_of(accounts: AccountStore) -> Sequence[Holder]:
    """All accounts, as policies know of them."""
    found = []
    for account in await accounts.all():
        rights, active = rights_of(account.grants), account.state == "active"
        found.append(
            Holder(
                name=account.name,
                public_key=account.public_key,
                may_write=active and rights.may(Right.POLICY_WRITE),
                may_approve=active and rights.may(Right.POLICY_APPROVE),
            )
        )
    return found
