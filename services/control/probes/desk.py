"""Suites of probes, as people keep and run them: each change is noted in the log, and written over nobody else's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gateway.activation.loading import canonical
from gateway.core.authority import lasting_in
from gateway.core.errors import Reason
from gateway.core.policy.document import Document
from gateway.redis_clients import Client
from pilote.decision.v1 import decision_pb2
from services.control.changes import LATER, Changes, Who
from services.control.drafts.checking import Checked
from services.control.drafts.comparing import difference
from services.control.drafts.drafting import Drafting
from services.control.jobs import Job
from services.control.policy import ActivePolicy
from services.control.preconditions import ANY, Match, Unmatched, exactly, quoted
from services.control.probes import working
from services.control.probes.checking import checked
from services.control.probes.evidence import REVIEWS, with_review
from services.control.probes.shown import StandShown, stand_shown
from services.control.probes.working import Asked as Asking
from services.control.undone import Undone, storing
from services.probes.gate import Asked, Stands, asked_of, standing, versions_of
from services.probes.reading import read
from services.probes.store import MOST, KeptSuite, Run, SuiteChanged, SuitesFull, SuiteStore
from services.probes.suite import Suite

_SMALL: Final = 20_000
"""Characters of a text that is read here, in some milliseconds; a larger one by a process of its own."""


class AnotherSuite(Unmatched):
    """Somebody else has changed the suite since; nothing was written."""

    def __init__(self, code: str, /, *, etag: str = "", difference: tuple[str, ...] = ()) -> None:
        super().__init__(code, etag=etag)
        self.difference: Final = difference
        """Lines of a unified difference from what is there to what was sent."""

    @property
    def more(self) -> Mapping[str, Any]:
        """The difference."""
        return {"difference": self.difference}


class ProbeDesk:
    """The suites of all tenants. `clock_ms` is milliseconds since the epoch.

    Every method raises `Undone`: STORE_UNAVAILABLE; what changes something also where it cannot be noted.
    """

    def __init__(
        self, redis: Client, policy: ActivePolicy, changes: Changes, *, drafts: Drafting, clock_ms: Callable[[], int]
    ) -> None:
        self._store = SuiteStore(redis)
        self._policy = policy
        self._changes = changes
        self._drafts = drafts
        self._clock_ms = clock_ms

    async def list(self, tenants: Sequence[str]) -> tuple[KeptSuite, ...]:
        """All of these tenants, by name."""
        with storing():
            return tuple(each for each in await self._store.all() if each.tenant in tenants)

    async def get(self, tenant: str, suite: str) -> KeptSuite:
        """One of them.

        Raises:
            Undone: NOT_FOUND.
        """
        found = await self.there(tenant, suite)
        if found is None:
            raise Undone(Reason.NOT_FOUND, "suite-none", name=f"probes/{tenant}/{suite}")
        return found

    async def there(self, tenant: str, suite: str) -> KeptSuite | None:
        """One of them; `None`: there is none."""
        with storing():
            return await self._store.get(f"{tenant}/{suite}")

    async def check(self, tenant: str, suite: str, text: str | None, *, language: str) -> Checked:
        """What is wrong with a text that may take the place of that suite, or with the suite itself.

        Raises:
            Overtaken: a newer question about it has come.
            Undone: NOT_FOUND where no text is given and there is no suite.
        """
        asked = (await self.get(tenant, suite)).text if text is None else text
        if len(asked) <= _SMALL:
            return checked(asked, named=suite, language=language)
        about = f"probes {tenant}/{suite}"
        return await self._drafts.workshop.newest(about, checked, asked, named=suite, language=language)

    async def save(
        self, tenant: str, suite: str, text: str, *, who: Who, match: Match | None, made_of: str = ""
    ) -> KeptSuite:
        """Keep a text as that suite, in the place of what `match` names; `None`: where there is none yet.

        Raises:
            PolicyInvalid: with every mistake.
            Unmatched: MATCH_NEEDED, SUITE_CHANGED.
            Undone: LIMIT_EXCEEDED.
        """
        over = await self.there(tenant, suite)
        if over is not None and match is None:
            raise Unmatched("match-needed")
        if match is not None and (over is None or not match.holds(over.etag)):
            raise await self._another(over, text)
        found = await self._read(text, suite)
        name = f"probes/{tenant}/{suite}"
        async with self._changes.recording(
            who, operation="save", resource=name, tenant=tenant, before=_told(over), after=LATER
        ) as changing:
            try:
                with storing():
                    kept = await self._store.put(
                        tenant, found, text, over=over, by=who.name, now_ms=self._clock_ms(), made_of=made_of
                    )
            except SuiteChanged:
                raise await self._another(await self.there(tenant, suite), text) from None
            except SuitesFull:
                raise Undone(Reason.LIMIT_EXCEEDED, "suites-full", most=MOST) from None
            changing.after = _told(kept)
        return kept

    async def reviewed(
        self,
        tenant: str,
        decision: decision_pb2.Decision,
        *,
        named: str,
        verdict: str,
        who: Who,
        language: str,
    ) -> KeptSuite:
        """The suite of reviews with a probe, `named`, that such a call comes to that verdict; as it is where it has it.

        Raises:
            Undone: ARGUMENT_INVALID where none can be made of the decision; LIMIT_EXCEEDED.
            SuiteInvalid: what is kept cannot be read.
            Unmatched: others change the suite again and again.
        """
        revision = self._policy.revision
        for last in (False, False, True):
            there = await self.there(tenant, REVIEWS)
            text = None if there is None else there.text
            after = revision and with_review(text, decision, revision, named=named, verdict=verdict, language=language)
            if not after:
                raise Undone(Reason.ARGUMENT_INVALID, "review-no-probe")
            if there is not None and after == text:
                return there
            match = None if there is None else exactly(there.etag)
            try:
                return await self.save(tenant, REVIEWS, after, who=who, match=match)
            except Unmatched:
                if last:
                    raise
        raise AssertionError

    async def delete(self, tenant: str, suite: str, *, who: Who, match: Match = ANY) -> None:
        """Delete it and its runs; what requires it cannot become active any more until it is kept again.

        Raises:
            Undone: NOT_FOUND.
            Unmatched: SUITE_CHANGED.
        """
        there = await self.get(tenant, suite)
        if not match.holds(there.etag):
            raise await self._another(there)
        async with self._changes.recording(
            who, operation="delete", resource=f"probes/{there.name}", tenant=tenant, before=_told(there)
        ):
            try:
                with storing():
                    await self._store.delete(there)
            except SuiteChanged:
                raise await self._another(await self.there(tenant, suite)) from None

    async def run(
        self, tenant: str, suite: str, *, draft: str = "", revision: int = 0, version: str = "", who: Who
    ) -> Job:
        """Begin to run it as a job: on a draft, a revision or the active one, or a version of a model in one of these.

        Raises:
            Undone: NOT_FOUND; ARGUMENT_INVALID where both are named; REVISION_MISSING where neither is nor any active.
            DraftProblem, RevisionProblem: there is no such draft or revision.
            JobsFull: too much is under way.
        """
        kept = await self.get(tenant, suite)
        if draft and revision:
            raise Undone(Reason.ARGUMENT_INVALID, "probe-target", field="draft")
        asked = Asking(
            suite=kept.name,
            text=kept.text,
            named=f"policy-drafts/{draft}" if draft else f"revisions/{revision or self._active()}",
            draft=(await self._drafts.store.read(draft))[1] if draft else None,
            document=b"" if draft else await self._document(revision or self._active()),
            version=version.removeprefix("models/"),
            by=who.name,
            redis_url=self._drafts.questions.sources.redis_url,
        )
        name, after = f"probes/{kept.name}", {"sha256": kept.sha256, "target": asked.version or asked.named}
        jobs = self._drafts.questions.jobs
        async with self._changes.recording(who, operation="run", resource=name, tenant=tenant, after=after):
            return await jobs.start("probe", working.probe, (asked,), about=name, owner=who.name)

    async def runs(self, suite: KeptSuite) -> tuple[Run, ...]:
        """Its last runs, the newest first."""
        with storing():
            return await self._store.runs(suite.name)

    async def stands(self, suites: Sequence[KeptSuite]) -> dict[str, tuple[StandShown, ...]]:
        """By the name of a suite how it stands to the active policy, or to the versions in it that name it."""
        revision = self._policy.revision
        if revision is None:
            return {each.name: () for each in suites}
        document = revision.document
        digest, named = lasting_in(canonical(document)), f"revisions/{revision.number}"
        versions = tuple(versions_of(document))
        found = {}
        for suite in suites:
            asked = [each for each in versions if each.suite == suite.name]
            if not asked or suite.name in document.approvals.probes:
                asked.insert(0, Asked(suite.name, "", digest))
            with storing():
                stand = await standing(self._store, asked)
            found[suite.name] = tuple(
                stand_shown(
                    each,
                    target=each.asked.version or named,
                    required=bool(each.asked.version) or suite.name in document.approvals.probes,
                )
                for each in stand
            )
        return found

    async def wanted(self, document: Document) -> tuple[Stands, ...]:
        """What must have passed before that document takes the place of the active one, and how it stands."""
        active = None if self._policy.revision is None else self._policy.revision.document
        with storing():
            return await standing(self._store, asked_of(document, canonical(document), active=active))

    async def _document(self, number: int) -> bytes:
        return canonical(await self._drafts.submitting.revising.document(number))

    def _active(self) -> int:
        if self._policy.revision is None:
            raise Undone(Reason.REVISION_MISSING, "probe-no-policy", wait_s=5)
        return self._policy.revision.number

    async def _read(self, text: str, named: str) -> Suite:
        if len(text) <= _SMALL:
            return read(text, named=named)
        return await self._drafts.workshop.run(read, text, named=named)

    async def _another(self, there: KeptSuite | None, text: str = "") -> Unmatched:
        if there is None:
            return AnotherSuite("suite-changed")
        lines = difference(there.text, text) if 0 < len(text) <= _SMALL else ()
        return AnotherSuite("suite-changed", etag=quoted(there.etag), difference=lines)


def _told(suite: KeptSuite | None) -> Any:
    """What the log says of it: what it can be told by."""
    return None if suite is None else {"version": suite.version, "sha256": suite.sha256}
