"""Asks a policy: the very functions that gateways decide by, with the caps counted as a backtest counts them."""

import logging
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from gateway.activation.loading import canonical
from gateway.callrun import CallRun
from gateway.considering import considered
from gateway.core import keys
from gateway.core.authority import lasting_in
from gateway.core.call import UNKNOWN_SUBJECT, Facts
from gateway.core.errors import CallEnded
from gateway.core.inputs import Inputs
from gateway.core.limits import Bucket, bucket_reason
from gateway.core.policy.vocabulary import Duration, duration_ms
from gateway.core.record import Record, Settlement, Verdict
from gateway.core.revision.compiled import Revision
from gateway.core.simulating.counts import Counts
from gateway.core.simulating.kinds import Caller
from gateway.exceeding import exceeded
from gateway.records.call_records import record_of
from gateway.refusal import Kept
from gateway.replays.replaying import NotKnown, again, read
from gateway.watching.logs import JsonLines
from gateway.watching.spans import attributes_of
from services.probes.asking import Came, Unaskable
from services.probes.places import leaves
from services.probes.reading import moment_ms
from services.probes.requests import Requests

MOST_CONTACTS: Final = 100
_ID: Final = "0" * 32
_KEY: Final = b"probes" * 8
_MADE: Final = frozenset({"cap", "gap", "score"})
"""Buckets that count contacts."""
_INSTEAD: Final = {"deny": "DENY", "review": "HOLD", "defer": "DEFER", "downgrade": "DENY"}
_TOKENS: Final = frozenset(
    {
        "channel",
        "asked_channel",
        "category",
        "purpose",
        "brand",
        "campaign",
        "topics",
        "model",
        "conversation",
        "inference",
    }
)
"""Texts of a record that are the request's own, of a form that holds nothing else."""
_LARGEST: Final = 200
_LOG: Final = JsonLines()


class Policy:
    """A policy that is probed."""

    kind: Final[Literal["policy", "version"]] = "policy"

    def __init__(self, revision: Revision, *, name: str) -> None:
        self._revision = revision
        self.name: Final = name
        self.digest: Final = lasting_in(canonical(revision.document))
        """Of all but people and where rollouts stand: neither changes what the rules say."""
        self._requests = Requests(revision)

    def ask(self, call: Mapping[str, Any]) -> Came:
        """Decide about the call, in English and in French. Nothing is counted from one call to the next.

        Raises:
            Unaskable: the policy has no such agent or method, or a part of the call cannot be read.
        """
        inputs, contacts = self._inputs(call), _contacts(call["contacts"])
        run = self._considered(inputs)
        record, decision = record_of(run), run.decision
        verdict, reason, rule = record.verdict.value, record.reason, record.rule
        if record.verdict is Verdict.ALLOW and decision is not None and decision.buckets:
            refused = _counted(decision.buckets, contacts, inputs)
            if refused is not None:
                verdict, reason, rule = refused
        return Came(
            verdict=verdict,
            reason=reason,
            rule=rule,
            message=_worded(run.ended),
            record=_texts(record),
            log=_line(run),
        )

    def _considered(self, inputs: Inputs) -> CallRun:
        run = again(self._revision, inputs)
        try:
            read(run, inputs, pseudonym_key=_KEY)
            considered(run, pseudonym_key=_KEY, approved=False)
        except CallEnded as ended:
            run.ended = ended
        except NotKnown as unknown:  # all that can be read is given
            raise Unaskable("broken-facts", problem=unknown.what) from unknown
        return run

    def _inputs(self, call: Mapping[str, Any]) -> Inputs:
        agent = self._revision.agent(str(call["agent"]))
        if agent is None:
            raise Unaskable("broken-agent", agent=str(call["agent"]))
        received_ms = moment_ms(str(call["at"]))
        if received_ms is None:
            raise Unaskable("broken-moment", text=str(call["at"]))
        metadata = {"accept-language": "fr"} | {str(name): str(value) for name, value in call["metadata"].items()}
        return Inputs(
            id=_ID,
            revision=self._revision.number,
            tenant=agent.tenant,
            agent=agent.name,
            method=str(call["method"]),
            received_ms=received_ms,
            request=self._requests.bytes_of(str(call["method"]), call["request"]),
            metadata=tuple(metadata.items()),
            facts=_facts(call["facts"]),
            pressure_read=True,
            progress_read=True,
            lineage_read=True,
        )


def _facts(data: Any) -> Facts:
    if data is None:
        return UNKNOWN_SUBJECT
    try:
        return msgspec.convert(data, Facts)
    except msgspec.ValidationError as error:
        raise Unaskable("broken-facts", problem=str(error)[:_LARGEST]) from error


def _contacts(data: Any) -> tuple[int, ...]:
    """How many milliseconds before the call each contact was, the oldest first."""
    try:
        found = msgspec.convert(data or (), tuple[Duration, ...])
    except msgspec.ValidationError as error:
        raise Unaskable("broken-contacts") from error
    if len(found) > MOST_CONTACTS:
        raise Unaskable("broken-contacts")
    return tuple(sorted((duration_ms(each) for each in found), reverse=True))


def _counted(buckets: tuple[Bucket, ...], ago_ms: tuple[int, ...], inputs: Inputs) -> tuple[str, str, str] | None:
    """Verdict, reason and cap or limit of a call that is refused after these contacts; `None` where it is not."""
    counts, cell, now_ms = Counts(), keys.cell(inputs.tenant, 0), inputs.received_ms
    # They were made, whatever the policy says of them now.
    made = tuple([msgspec.structs.replace(each, mode="monitor") for each in buckets if each.kind in _MADE])
    for number, ago in enumerate(ago_ms):
        at_ms, contact = now_ms - ago, f"contact {number}"
        counts.admit(made, Caller(contact, at_ms, at_ms + 60_000, inputs.agent), cell=cell)
        counts.settle(made, Settlement(id=contact, settled_ms=at_ms, status="OK"), cell=cell)
        counts.report(contact, "confirm", at_ms=at_ms)
    outcome = counts.admit(buckets, Caller(inputs.id, now_ms, now_ms + 60_000, inputs.agent), cell=cell)
    if outcome.granted:
        return None
    bucket, _, action = exceeded(buckets, outcome)
    return _INSTEAD[action], bucket_reason(bucket.kind).value, bucket.limit


def _worded(ended: BaseException | None) -> str:
    if not isinstance(ended, CallEnded):
        return ""
    localized = ended.localized[1] if ended.localized else ""
    plan = ended.plan.message if isinstance(ended, Kept) else None
    return "\n".join((ended.message, localized, *((plan.en, plan.fr) if plan is not None else ())))


def _texts(record: Record) -> tuple[str, ...]:
    data = msgspec.to_builtins(record)
    kept = {name: each for name, each in data.items() if name not in _TOKENS}
    return tuple(value for _, value in leaves(kept) if isinstance(value, str))


def _line(run: CallRun) -> str:
    """The log line of the call, as the gateway writes it."""
    line = logging.LogRecord("pilote.calls", logging.INFO, "", 0, "call", None, None)
    line.__dict__.update(attributes_of(run))
    return _LOG.format(line)
