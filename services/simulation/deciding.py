"""What the policy says of one attempt: the very function that replays a recorded call decides about it."""

from typing import Final

import msgspec

from gateway.core.call import Facts, Lineage, Operation
from gateway.core.cells import cell_of
from gateway.core.decide import Decision
from gateway.core.inputs import Inputs
from gateway.core.record import Outcome, Record, Settlement, Verdict, decision_id, subject_ref
from gateway.core.revision.compiled import Revision
from gateway.messages.describe import INFERENCE_HEADER
from gateway.records.conclusion import answered
from gateway.replays.replaying import replayed
from services.simulation.accounting import Accounting

SEND: Final = "/pilote.crm.v1.MessageService/SendMessage"
INFER: Final = "/inference.GRPCInferenceService/ModelInfer"
MODEL: Final = "lead-score"


class Unsimulated(Exception):
    """The policy decides by something that a simulation does not have."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        """"agent", "pressure" or "method", and after a blank which one."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A call that an agent makes."""

    at_ms: int
    agent: str
    method: str
    subject: str
    request: bytes
    facts: Facts
    inference: str = ""
    """Decision id of the inference that led to it; empty for none."""
    lineage: Lineage | None = None


class Decided(msgspec.Struct, frozen=True):
    """What came of it, as the log has it."""

    inputs: Inputs
    record: Record
    outcome: Outcome
    settlement: Settlement | None
    """`None` where it was refused."""
    wait_ms: int
    """Of a refusal: when the caller was told to come back; 0 where nobody said when."""

    @property
    def allowed(self) -> bool:
        """Whether it went through."""
        return self.settlement is not None

    @property
    def verdict(self) -> tuple[Verdict, str, str]:
        """The verdict, limits and caps included, its reason and the rule, limit or cap."""
        return answered(self.record, self.outcome)


def check(revision: Revision, *, tenant: str, agents: set[str], methods: set[str]) -> None:
    """See that a policy can be simulated at all.

    Raises:
        Unsimulated: it cannot.
    """
    for name in sorted(agents):
        agent = revision.agent(name)
        if agent is None or agent.tenant != tenant:
            raise Unsimulated(f"agent {name}")
    for method in sorted(methods):
        policy = revision.methods.get(method)
        if policy is None:
            raise Unsimulated(f"method {method}")
        if policy.reads_pressure:
            raise Unsimulated(f"pressure {method}")


class Desk:
    """Decides about calls one after the other, in the order of time."""

    def __init__(self, revision: Revision, *, tenant: str, pseudonym_key: bytes) -> None:
        self._revision = revision
        self._tenant = tenant
        self._key = pseudonym_key
        self._accounting = Accounting()

    def use(self, revision: Revision) -> None:
        """Decide by this policy from the next call on; what was counted stays counted."""
        self._revision = revision

    def decide(self, asked: Asked, *, chance: bytes, took_ms: int) -> Decided:
        """Decide about a call and count it; one that goes through is answered after so many milliseconds.

        `chance` are ten bytes that no other call has.
        """
        inputs = self._inputs(asked, chance)
        found = replayed(self._revision, inputs, pseudonym_key=self._key)
        record = _at(found.record, asked.at_ms)
        decision = found.decision
        if record.verdict is not Verdict.ALLOW or decision is None:
            wait_ms = 0 if decision is None else decision.retry_after_ms or 0
            return Decided(inputs, record, Outcome(granted=False), None, wait_ms)
        outcome = self._accounting.admit(record, decision.buckets)
        if not outcome.granted:
            return Decided(inputs, record, outcome, None, max(0, outcome.looks[outcome.refused].wait_ms))
        return Decided(inputs, record, outcome, self._settled(record, decision, took_ms), 0)

    def _inputs(self, asked: Asked, chance: bytes) -> Inputs:
        metadata = ((INFERENCE_HEADER, asked.inference),) if asked.inference else ()
        cells = self._revision.cells.get(self._tenant, 1) if self._revision.cells else 1
        ref = subject_ref(self._key, tenant=self._tenant, subject=asked.subject) if cells > 1 else ""
        return Inputs(
            id=decision_id(now_ms=asked.at_ms, random=chance),
            revision=self._revision.number,
            tenant=self._tenant,
            agent=asked.agent,
            method=asked.method,
            received_ms=asked.at_ms,
            request=asked.request,
            metadata=metadata,
            cell=cell_of(cells, ref) if ref else 0,
            draw=int.from_bytes(chance[:4]) / (1 << 32),
            facts=asked.facts,
            lineage=asked.lineage,
            lineage_read=asked.inference != "" and self._revision.lineage.keep_ms > 0,
        )

    def _settled(self, record: Record, decision: Decision, took_ms: int) -> Settlement:
        served = record.version if record.operation == Operation.INFER else ""
        settlement = Settlement(
            id=record.id,
            settled_ms=record.received_ms + took_ms,
            status="OK",
            total_us=took_ms * 1_000,
            upstream_us=(took_ms - 2) * 1_000,
            overhead_us=2_000,
            response_bytes=180,
            served=served,
        )
        self._accounting.settle(record, decision.buckets, settlement)
        return settlement


def _at(record: Record, at_ms: int) -> Record:
    """The record as a gateway writes it at that time: clock and stopwatch are not those of the machine."""
    decided_ms = at_ms + 1
    lasts_ms = record.expires_ms - record.decided_ms if record.expires_ms else 0
    return msgspec.structs.replace(
        record, decided_ms=decided_ms, expires_ms=decided_ms + lasts_ms if lasts_ms else 0, took_us=1_000
    )
