"""What people do about rollouts: see where they stand, and move them, each move a revision of its own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.activation.loading import load_stored
from gateway.adapters.revisions import Published, RevisionConflict, RevisionStore
from gateway.core.movement import with_moved
from gateway.core.policy.learning import Rollout
from gateway.core.policy.people import Person
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.rollout_texts import refusal_of
from gateway.core.rollouts import Act, Refused, act
from gateway.mistakes.saying import words
from gateway.redis_clients import Client
from gateway.signing import Signer
from services.rollouts.counting import Counting, Policy
from services.rollouts.looking import Standing, look_at
from services.rollouts.texts import say

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

ATTEMPTS: Final = 20
"""How often a move begins anew because somebody else has published something else meanwhile."""


MOST_CHARACTERS: Final = 900
"""Of a reason: with the rollout's name it must fit into what a revision says of itself."""
MOST_OF_A_NAME: Final = 63
FORWARD: Final = ("start", "approve", "resume")


class RolloutProblem(Exception):
    """It cannot be done as it was asked for; the text says why, in the reader's language, and `code` to programs."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class _People(msgspec.Struct, frozen=True):
    people: tuple[Person, ...] = ()


class Rollouts:
    """The rollouts of the active policy, as a person sees them. `clock_ms` is milliseconds since the epoch."""

    def __init__(self, redis: Client, *, language: str, clock_ms: Callable[[], int], login: str = "") -> None:
        """`login` is who is said to have moved a rollout where nobody is asked who they are."""
        self._store = RevisionStore(redis)
        self._language = language
        self._clock_ms = clock_ms
        self._login = login[:MOST_OF_A_NAME]

    async def list(self) -> tuple[Rollout, ...]:
        """All of them.

        Raises:
            RolloutProblem: there is no policy.
        """
        return Policy((await self._active())[1]).rollouts

    async def show(self, name: str, audit: "AuditServiceAsyncStub") -> Standing:
        """Where one stands, and what it waits for.

        Raises:
            RolloutProblem: there is none of that name.
        """
        number, published = await self._active()
        rollout = self._named(name, Policy(published).rollouts)
        return await look_at(rollout, Counting(self._store, audit), number=number, clock_ms=self._clock_ms)

    async def do(
        self, name: str, what: Act, *, reason: str, by: str, signer: Signer | None = None
    ) -> tuple[int, Rollout]:
        """Move one; returns the revision that says so, and the rollout as it stands now.

        Where the policy names people, `by` is one of them who may write, and signs.

        Raises:
            RolloutProblem: it cannot be done in its state, the policy would have mistakes, or `by` may not.
        """
        if not reason.strip() or len(reason) > MOST_CHARACTERS:
            raise self._problem("reason", most=MOST_CHARACTERS)
        if len(by) > MOST_OF_A_NAME:
            raise self._problem("name", most=MOST_OF_A_NAME)
        seen: Rollout | None = None
        for _ in range(ATTEMPTS):
            number, published = await self._active()
            rollout = self._named(name, Policy(published).rollouts)
            # What lets a candidate serve more is said of the step that the person has seen, and of no other.
            if what in FORWARD and seen is not None and (rollout.state, rollout.step) != (seen.state, seen.step):
                raise self._problem("moved-meanwhile", name=name)
            seen = rollout
            sign = self._signature(published, by, signer)
            moved = act(rollout, what, reason=reason, now_ms=self._clock_ms())
            if isinstance(moved, Refused):
                raise RolloutProblem(refusal_of(rollout, moved, language=self._language), "refused")
            if what == "start":
                self._refuse_mistakes(published, moved)
            author = by or self._login
            try:
                words, now_ms = f"{name}: {reason}", self._clock_ms()
                made = await self._store.advance(
                    moved, base=number, reason=words, now_ms=now_ms, author=author, sign=sign
                )
                return made, moved
            except RevisionConflict:
                continue
        raise self._problem("busy")

    def _signature(self, published: Published, by: str, signer: Signer | None) -> Callable[[bytes], str] | None:
        """How the move is signed; None where the policy names nobody, who then need not sign."""
        people = msgspec.json.decode(published.document, type=_People).people
        if not people:
            return None
        person = next((each for each in people if each.name == by and each.may_write), None)
        if person is None:
            names = ", ".join(each.name for each in people if each.may_write)
            raise self._problem("stranger" if by else "nobody", by=by, names=names)
        if signer is None or signer.public_key != person.public_key:
            raise self._problem("unsigned" if signer is None else "wrong-key", by=by)
        return signer.sign

    def _refuse_mistakes(self, published: Published, moved: Rollout) -> None:
        """A rollout that starts may get in the way of what has been added since it was written."""
        try:
            load_stored(with_moved(bytes(published.document), [moved]))
        except PolicyInvalid as invalid:
            said = [(each.path, words(each, language=self._language)) for each in invalid.mistakes]
            mistakes = "; ".join(f"{path}: {problem}: {fix}" for path, (problem, fix) in said)
            raise self._problem("mistakes", mistakes=mistakes) from invalid

    async def _active(self) -> tuple[int, Published]:
        number = await self._store.active()
        published = await self._store.read(number)
        if published is None:
            raise self._problem("no-policy")
        return number, published

    def _named(self, name: str, rollouts: tuple[Rollout, ...]) -> Rollout:
        for rollout in rollouts:
            if rollout.name == name:
                return rollout
        raise self._problem("unknown", name=name, names=", ".join(each.name for each in rollouts) or "-")

    def _problem(self, key: str, **values: object) -> RolloutProblem:
        return RolloutProblem(say(key, language=self._language, **values), key)
