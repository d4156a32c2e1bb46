"""A quarter, lived through in the order of time: agents try, the policy decides, customers react, buy and answer.

The same plan always comes to the same, byte by byte. Chance hangs on persons, days and attempts alone, so what differs
between two quarters of one seed comes from their policies.
"""

import heapq
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.call import Facts, Lineage
from gateway.core.consents import Consent, said_at
from gateway.core.errors import Reason
from gateway.core.record import CustomerOutcome
from gateway.core.revision.compiled import Revision
from services.simulation import messages
from services.simulation.campaigns import DAY_MS, Campaign, attempts
from services.simulation.chance import bytes_of
from services.simulation.deciding import INFER, MODEL, SEND, Asked, Decided, Desk, check
from services.simulation.ledger import Ledger
from services.simulation.living import LEAVING, MARKETING, Lives, Purchase
from services.simulation.people import Person, agreements, facts_of
from services.simulation.plan import TENANT, Plan
from services.simulation.surveying import Surveys

Told = CustomerOutcome
_MONTH_MS: Final = 28 * DAY_MS
_NOON_MS: Final = DAY_MS // 2
_SOON_MS: Final = 400
"""How long after the model's answer the agent writes."""


class Quarter:
    """One run of a plan under a policy. `ledger` says what is true of it, complete once `events` has ended."""

    def __init__(
        self,
        plan: Plan,
        revision: Revision,
        persons: Sequence[Person],
        *,
        pseudonym_key: bytes,
        changes: Mapping[int, Revision] | None = None,
    ) -> None:
        """`changes`: by day of the quarter, the policy that is active from then on.

        Raises:
            Unsimulated: a policy cannot be simulated.
        """
        self.ledger: Final = Ledger(len(persons))
        self.facts: Final[list[Facts]] = [
            facts_of(each, agreements(each, at_ms=plan.start_ms - 30 * DAY_MS)) for each in persons
        ]
        """What is known of everybody now."""
        self._plan, self._persons = plan, persons
        self._desk = Desk(revision, tenant=TENANT, pseudonym_key=pseudonym_key)
        asks = {INFER} if any(each.scored for each in plan.campaigns) else set()
        self._changes = changes or {}
        for each in (revision, *self._changes.values()):
            check(each, tenant=TENANT, agents={one.agent for one in plan.campaigns}, methods={SEND, *asks})
        self._tried = attempts(plan.campaigns, persons, days=plan.days, decisions=plan.decisions, seed=plan.seed)
        self._lives = Lives(plan.truths, persons, days=plan.days, attempts=len(self._tried), seed=plan.seed)
        self._last: list[str | None] = [None] * len(persons)
        """Of each, the last decision about marketing; and the last such contact made or held back, and when."""
        self._reached: list[tuple[str, int] | None] = [None] * len(persons)
        self._due: list[tuple[int, int, object]] = []
        self._order = itertools.count()
        self._surveys = Surveys(plan, len(persons))

    @property
    def attempts(self) -> int:
        """How many attempts there are, retries not counted."""
        return len(self._tried)

    def events(self) -> Iterator[Decided | Told]:
        """Everything that goes into the log, in the order of time."""
        plan, next_attempt = self._plan, 0
        for day in range(plan.days):
            if day in self._changes:
                self._desk.use(self._changes[day])
            purchases = self._lives.dawn(day)
            self.ledger.begin(self._lives.would, self._lives.without)
            for purchase in purchases:
                self._at(purchase.at_ms, purchase)
            for person in self._surveys.on(day):
                self._at(day * DAY_MS + _NOON_MS, _Survey(person))
            end_ms = (day + 1) * DAY_MS
            while next_attempt < len(self._tried) and self._tried.at_ms[next_attempt] < end_ms:
                self._at(int(self._tried.at_ms[next_attempt]), _Try(next_attempt))
                next_attempt += 1
            yield from self._until(end_ms)
        yield from self._until(plan.days * DAY_MS + 1)

    def _at(self, at_ms: int, what: object) -> None:
        heapq.heappush(self._due, (at_ms, next(self._order), what))

    def _until(self, end_ms: int) -> Iterator[Decided | Told]:
        while self._due and self._due[0][0] < end_ms:
            at_ms, _, what = heapq.heappop(self._due)
            match what:
                case _Try():
                    yield from self._try(what, at_ms)
                case Purchase():
                    self._buy(what)
                case _Survey():
                    yield from self._ask(what.person, at_ms)
                case _Reaction():
                    yield from self._react(what, at_ms)
                case CustomerOutcome():
                    yield what

    def _try(self, tried: "_Try", at_ms: int) -> Iterator[Decided]:
        person = int(self._tried.person[tried.attempt])
        campaign = self._plan.campaigns[int(self._tried.campaign[tried.attempt])]
        subject = self._persons[person].name
        inference, lineage = "", None
        if campaign.scored:
            request = messages.infer(subject=subject)
            asked = self._asked(campaign, person, at_ms=at_ms, method=INFER, request=request)
            scored = self._decide(asked, tried, part=0)
            yield scored
            at_ms += _SOON_MS
            if scored.allowed:
                its = scored.record
                inference = its.id
                lineage = Lineage(model=MODEL, version=its.version, route=its.route, arm=its.arm, prompt=its.prompt)
        request = messages.send(
            subject=subject, channel=campaign.channel, category=campaign.category, campaign=campaign.name
        )
        asked = self._asked(campaign, person, at_ms=at_ms, method=SEND, request=request)
        asked = msgspec.structs.replace(asked, inference=inference, lineage=lineage)
        made = self._decide(asked, tried, part=1)
        yield made
        self._decided(tried, made, campaign=campaign, person=person, at_ms=at_ms)

    def _asked(self, campaign: Campaign, person: int, *, at_ms: int, method: str, request: bytes) -> Asked:
        return Asked(
            at_ms=self._plan.start_ms + at_ms,
            agent=campaign.agent,
            method=method,
            subject=self._persons[person].name,
            request=request,
            facts=self.facts[person],
        )

    def _decide(self, asked: Asked, tried: "_Try", *, part: int) -> Decided:
        chance = bytes_of(self._plan.seed, "call", tried.attempt, tried.again, part, size=11)
        return self._desk.decide(asked, chance=chance[:10], took_ms=20 + chance[10] // 2)

    def _decided(self, tried: "_Try", made: Decided, *, campaign: Campaign, person: int, at_ms: int) -> None:
        """What follows from a contact that was let through or refused."""
        ledger, marketing = self.ledger, campaign.category == MARKETING
        held_out = made.verdict[1] == Reason.HELD_OUT
        ledger.held_out[person] |= held_out
        if marketing:
            ledger.first[person] |= not ledger.known[person]
            self._last[person] = made.record.id
            if held_out or made.allowed:
                self._reached[person] = (made.record.id, at_ms)
        if not made.allowed:
            if tried.again < self._plan.retries and 0 < made.wait_ms <= self._plan.patience_ms:
                self._at(at_ms + made.wait_ms + 60_000, _Try(tried.attempt, tried.again + 1))
            return
        ledger.reached[person] |= marketing
        ledger.since[person] = 0 if marketing else ledger.since[person]
        version, segment = made.record.version, self._persons[person].segments[0]
        effect = self._lives.contact(person, tried.attempt, campaign=campaign, version=version)
        ledger.made(person, effect, campaign=campaign, version=version, segment=segment)
        for kind, after_ms in effect.followed:
            self._at(at_ms + after_ms, _Reaction(person, made.record.id, kind, campaign.channel))

    def _react(self, reaction: "_Reaction", at_ms: int) -> Iterator[Told]:
        yield self._plan.told(reaction.decision, reaction.kind, at_ms)
        if reaction.kind not in LEAVING:
            return
        facts = self.facts[reaction.person]
        channels = {reaction.channel} if reaction.kind == "unsubscribed" else {*self._persons[reaction.person].channels}
        records = facts.consent_records
        for channel in sorted(channels):
            no = Consent(channel=channel, status="withdrawn", captured_ms=0, proof="simulated")
            records = (*records, said_at(records, no, now_ms=self._plan.start_ms + at_ms))
        self.facts[reaction.person] = msgspec.structs.replace(facts, consent_records=records)

    def _buy(self, purchase: Purchase) -> None:
        if not self.ledger.bought(purchase.person, purchase.cents):
            return
        decision = self._decision_of(purchase.person, purchase.at_ms)
        told = self._plan.told(
            decision, "converted", purchase.at_ms, reported_ms=purchase.reported_ms, cents=purchase.cents
        )
        self._at(purchase.reported_ms, told)

    def _decision_of(self, person: int, at_ms: int) -> str:
        """The decision that a purchase is told of: the last contact of four weeks, made or held back; else the last."""
        reached, last = self._reached[person], self._last[person]
        if reached is not None and at_ms - reached[1] <= _MONTH_MS:
            return reached[0]
        assert last is not None  # noqa: S101 - purchases count from the day after the first decision
        return last

    def _ask(self, person: int, at_ms: int) -> Iterator[Told]:
        """Ask somebody whom an agent has written to, in the last four weeks."""
        reached = self._reached[person]
        if reached is not None and not self.ledger.held_out[person] and at_ms - reached[1] <= _MONTH_MS:
            known = self.ledger.surveyed
            yield from self._surveys.ask(person, reached[0], at_ms=at_ms, lives=self._lives, known=known)


class _Try(msgspec.Struct, frozen=True):
    """An agent tries."""

    attempt: int
    again: int = 0


class _Survey(msgspec.Struct, frozen=True):
    """Somebody is asked."""

    person: int


class _Reaction(msgspec.Struct, frozen=True):
    """Somebody reacts to a contact."""

    person: int
    decision: str
    kind: str
    channel: str
