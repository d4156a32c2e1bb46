"""Where people ask for reports, see how far theirs are, and get them: nobody else's, and of no other tenant."""

import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from gateway.core.errors import Reason
from gateway.redis_clients import Client
from services.control.access.principals import Forbidden, Principal
from services.control.access.rights import EVERYWHERE, Right
from services.control.audit_client import metadata_of
from services.control.jobs import Job
from services.control.policy import ActivePolicy
from services.control.reports.store import Kept, ReportStore, Written
from services.control.reports.working import Maker, Making, report
from services.control.shared_jobs import SharedJobs
from services.control.undone import Undone, storing
from services.report_making import Wanted, checked

KIND: Final = "report"
"""Of the jobs."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A report, and how far it is."""

    kept: Kept
    state: str
    """"waiting", "running", "succeeded", "failed" or "cancelled"."""
    done: int = 0
    total: int = 0
    failure: str = ""
    """Of one that failed: the code of a text of jobs."""
    written: Written | None = None
    """Of one that succeeded."""


class ReportDesk:
    """The reports of all. `clock_ms` is milliseconds since the epoch.

    Every method raises `Undone`, STORE_UNAVAILABLE, when the store does not answer.
    """

    def __init__(
        self,
        redis: Client,
        jobs: SharedJobs,
        policy: ActivePolicy,
        *,
        audit: str,
        redis_url: str,
        clock_ms: Callable[[], int],
    ) -> None:
        self._store = ReportStore(redis)
        self._jobs = jobs
        self._policy = policy
        self._audit = audit
        self._redis_url = redis_url
        self._clock_ms = clock_ms

    async def ask(self, who: Principal, wanted: Wanted) -> Standing:
        """Begin to make one.

        Raises:
            ReportWrong: there is no such report.
            Forbidden: it is about a tenant whose decisions they may not see.
            JobsFull: too much is under way.
        """
        asked = checked(wanted)
        if asked.tenant and not who.may(Right.SEE, asked.tenant):
            raise Forbidden(Right.SEE, asked.tenant)
        if asked.tenant == EVERYWHERE:
            asked = msgspec.structs.replace(asked, tenant="")
        tenants, now_ms = (asked.tenant,) if asked.tenant else who.tenants(Right.SEE), self._clock_ms()
        kept = Kept(id=secrets.token_hex(8), owner=who.name, wanted=asked, tenants=tenants, created_ms=now_ms)
        making = Making(
            audit=self._audit,
            redis_url=self._redis_url,
            kept=kept,
            maker=Maker(name=who.name, kind=who.kind, id=who.id),
            metadata=metadata_of(who, Right.SEE, language=asked.language),
            tenants=self._policy.tenants if tenants is None else tenants,
            now_ms=now_ms,
        )
        with storing():
            await self._store.begin(kept)
        try:
            job = await self._jobs.start(KIND, report, (making,), about=kept.name, owner=who.name)
        except BaseException:
            with storing():
                await self._store.forget(kept.id, owner=kept.owner)
            raise
        return _standing(kept, job, None)

    async def get(self, who: Principal, report_id: str) -> Standing:
        """One of theirs.

        Raises:
            Undone: NOT_FOUND: they have none of that name, or may not see any more whose numbers it has.
        """
        kept = await self._kept(who, report_id)
        job = await self._job(kept)
        with storing():  # after the job, which has written it before it is over
            written = await self._store.written(kept.id)
        return _standing(kept, job, written)

    async def all(self, who: Principal) -> tuple[Standing, ...]:
        """All of theirs, in no order."""
        with storing():
            found = [each for each in await self._store.all(who.name) if _may(who, each)]
            jobs = {each.about: each for each in await self._jobs.all(owner=who.name) if each.kind == KIND}
            written = [await self._store.written(each.id) for each in found]
        return tuple(_standing(kept, jobs.get(kept.name), one) for kept, one in zip(found, written, strict=True))

    async def cancel(self, who: Principal, report_id: str) -> Standing:
        """End the work on one; nothing where it is over. Raises like `get`."""
        job = await self._job(await self._kept(who, report_id))
        if job is not None:
            with storing():
                await self._jobs.cancel(job.id, owner=job.owner)
        return await self.get(who, report_id)

    async def file(self, who: Principal, report_id: str, form: str) -> tuple[Standing, bytes]:
        """The report itself, "html" or "pdf".

        Raises:
            Undone: NOT_FOUND like `get`, and where it is not made.
        """
        found = await self.get(who, report_id)
        with storing():
            body = await self._store.file(report_id, form) if found.written else None
        if body is None:
            raise Undone(Reason.NOT_FOUND, "report-not-made", name=found.kept.name)
        return found, body

    async def _kept(self, who: Principal, report_id: str) -> Kept:
        with storing():
            found = await self._store.get(report_id)
        if found is None or found.owner != who.name or not _may(who, found):
            raise Undone(Reason.NOT_FOUND, "report-unknown", name=report_id[:64])
        return found

    async def _job(self, kept: Kept) -> Job | None:
        with storing():
            found = await self._jobs.all(owner=kept.owner)
        return next((each for each in found if (each.kind, each.about) == (KIND, kept.name)), None)


def _may(who: Principal, kept: Kept) -> bool:
    """Whether they may still see all whose numbers it has."""
    own = who.tenants(Right.SEE)
    return own is None or (kept.tenants is not None and set(kept.tenants) <= set(own))


def _standing(kept: Kept, job: Job | None, written: Written | None) -> Standing:
    if written is not None:
        return Standing(kept=kept, state="succeeded", written=written)
    if job is None or job.state == "succeeded":  # forgotten, or what it had made is
        return Standing(kept=kept, state="failed", failure="job-gone")
    return Standing(kept=kept, state=job.state, done=job.done, total=job.total, failure=job.failure)
