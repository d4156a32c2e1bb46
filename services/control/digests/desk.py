"""Where people and programs get digests: those of their tenants, of weeks that are over."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from gateway.core.errors import Reason
from gateway.core.policy.objectives import Objective
from gateway.redis_clients import Client
from services.control.access.principals import Principal
from services.control.access.rights import Right
from services.control.access.tenancy import ruled
from services.control.drafts.store import DraftProblem
from services.control.drafts.workshop import Workshop
from services.control.policy import ActivePolicy
from services.control.undone import Undone, storing
from services.digest.making import Digests, Found, wanted
from services.digest.told import Told
from services.digest.week import last_over

Form = Literal["html", "pdf", "eml", "txt"]
LONGEST_SECONDS: Final = 120.0
_REMEMBERED: Final = 8
"""Digests whose files are kept in memory, some 400 kB each."""


class DigestDesk:
    """Gives digests. `clock_ms` is milliseconds since the epoch, `console` where browsers reach the control plane.

    Every method raises `Undone`: STORE_UNAVAILABLE when the store does not answer, NOT_FOUND for a tenant that whoever
    asks may not see.
    """

    def __init__(self, redis: Client, policy: ActivePolicy, *, console: str, clock_ms: Callable[[], int]) -> None:
        self._digests = Digests(redis)
        self._policy = policy
        self._console = console
        self._clock_ms = clock_ms
        self._workshop = Workshop(seconds=LONGEST_SECONDS)
        self._turn = asyncio.Semaphore(1)
        self._made: dict[str, Mapping[Form, bytes]] = {}

    async def weeks(self, tenant: str) -> tuple[tuple[str, bool], ...]:
        """Weeks that are to be had of a tenant, the newest first, and whether each is kept; the last one always."""
        with storing():
            kept = await self._digests.weeks(tenant)
        last = last_over(self._clock_ms()).name
        return tuple((each, each in kept) for each in sorted({*kept, last}, reverse=True))

    async def get(self, who: Principal, tenant: str, week: str = "") -> Found:
        """That of a week; of the last one that is over for none.

        Raises:
            DigestWrong: there is no such week, or it is not over.
        """
        ruled(who, Right.SEE, self._policy.tenants, tenant)
        asked, now_ms = wanted(week, now_ms=self._clock_ms()), self._clock_ms()
        with storing():
            return await self._digests.of(tenant, asked, stated=self._stated(), now_ms=now_ms)

    async def file(self, told: Told, form: Form, *, language: str) -> bytes:
        """It as that file: the same bytes as from the command line.

        Raises:
            Undone: DEADLINE_EXCEEDED where it is not set in time.
        """
        asked = hashlib.sha256(msgspec.json.encode((told, language, self._console))).hexdigest()
        async with self._turn:
            if asked not in self._made:
                try:
                    files = await self._workshop.run(as_files, told, language=language, console=self._console)
                except DraftProblem as problem:
                    raise Undone(Reason.DEADLINE_EXCEEDED, "digest-unset") from problem
                finally:
                    self._workshop.close()  # what sets it takes a lot of memory
                self._made = {**dict(list(self._made.items())[-_REMEMBERED + 1 :]), asked: files}
            return self._made[asked][form]

    def close(self) -> None:
        """End what is being set."""
        self._workshop.close()

    def _stated(self) -> Sequence[Objective]:
        revision = self._policy.revision
        return () if revision is None else revision.document.objectives


def as_files(told: Told, *, language: str, console: str) -> Mapping[Form, bytes]:
    """A digest as each of its files."""
    # Imported here, in the process that sets it: the control plane itself draws nothing.
    from services.digest.mail import mail, message
    from services.digest.outline import digest
    from services.reports.pdf import pdf

    made = mail(told, language=language, console=console)
    return {
        "html": made.html.encode(),
        "txt": made.text.encode(),
        "eml": message(told, language=language, console=console),
        "pdf": pdf(digest(told, language=language)),
    }
