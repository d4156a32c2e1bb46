"""What customers agree to, between the contract's messages and statements. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from gateway.core.call import Facts
from gateway.core.consents import Basis, Consent, Status, added_in_time, latest, said_at, said_now
from gateway.core.errors import CallEnded, Reason
from gateway.core.proofs import is_personal
from gateway.rpc.times import timestamp
from pilote.cdp.v1 import profile_pb2

ANY: Final = "*"
MOST: Final = 100
"""Consents of one request."""
MOST_KEPT: Final = 1_000
"""Statements of one customer above which no further consent is kept; a "no" always is."""
AHEAD_MS: Final = 5 * 60_000
"""How far ahead of ours the clock of a caller may be."""
_MOST_SOURCE: Final = 100
_MOST_SHOWN: Final = 100
_WORD: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}\Z")
_STATUSES: Final[Mapping[Status, "profile_pb2.ConsentStatus.ValueType"]] = {
    "granted": profile_pb2.CONSENT_STATUS_GRANTED,
    "refused": profile_pb2.CONSENT_STATUS_DENIED,
    "withdrawn": profile_pb2.CONSENT_STATUS_WITHDRAWN,
}
_BASES: Final[Mapping[Basis, "profile_pb2.LegalBasis.ValueType"]] = {
    "consent": profile_pb2.LEGAL_BASIS_CONSENT,
    "contract": profile_pb2.LEGAL_BASIS_CONTRACT,
    "legitimate_interest": profile_pb2.LEGAL_BASIS_LEGITIMATE_INTEREST,
    "existing_customer": profile_pb2.LEGAL_BASIS_LEGITIMATE_INTEREST,
    "legal_obligation": profile_pb2.LEGAL_BASIS_LEGAL_OBLIGATION,
}
"""The contract has no word for the others."""
_STATUS_OF: Final[Mapping[int, Status]] = {value: status for status, value in _STATUSES.items()}
_BASIS_OF: Final[Mapping[int, Basis]] = {
    value: basis for basis, value in _BASES.items() if basis != "existing_customer"
}
_TIME: Final = "must be after 1970 and not in the future"
Problem = tuple[str, str]


class Said(NamedTuple):
    """A statement whose times are filled in by what is known; 0 where its teller names none."""

    statement: Consent
    captured_ms: int
    withdrawn_ms: int


def said_in(consents: Sequence[profile_pb2.Consent], *, agent: str, now_ms: int) -> list[Said]:
    """What an agent tells that a customer has said.

    Raises:
        CallEnded: ARGUMENT_INVALID; every mistake is named.
    """
    problems = [] if 0 < len(consents) <= MOST else [("consents", f"must be 1 to {MOST}")]
    first: dict[tuple[str, str], int] = {}
    for position, each in enumerate(consents[:MOST]):
        problems += [(f"consents[{position}].{field}", text) for field, text in _problems(each, now_ms=now_ms)]
        if (before := first.setdefault((each.channel, each.purpose), position)) != position:
            problems.append((f"consents[{position}]", f"is about the same purpose and channel as consents[{before}]"))
    if problems:
        field, text = problems[0]
        raise CallEnded(
            Reason.ARGUMENT_INVALID, f"{field} {text}.", metadata={"field": field}, violations=tuple(problems)
        )
    return [_said(each, agent=agent, now_ms=now_ms) for each in consents]


def statements_of(said: Sequence[Said], facts: Facts, *, now_ms: int) -> tuple[Consent, ...]:
    """The statements with their times: what names none is said now, and a "no" not before the consent it answers.

    Raises:
        CallEnded: LIMIT_EXCEEDED where a consent would be one statement too many.
    """
    records, found = facts.consent_records, list[Consent]()
    for statement, captured_ms, withdrawn_ms in said:
        if withdrawn_ms:
            new = said_at(records, statement, now_ms=withdrawn_ms)
        elif captured_ms and statement.status != "withdrawn":
            new = statement
        else:
            new = said_now(records, statement, now_ms=now_ms)
        found.append(msgspec.structs.replace(new, captured_ms=captured_ms or new.captured_ms))
        records = added_in_time(records, found[-1])
        if statement.granted and len(records) > max(MOST_KEPT, len(facts.consent_records)):
            text = f"More than {MOST_KEPT} statements are kept of this customer already; only a refusal is added."
            raise CallEnded(Reason.LIMIT_EXCEEDED, text, violations=(("consents", text),))
    return tuple(found)


def consents_of(facts: Facts) -> Iterator[profile_pb2.Consent]:
    """The last words, as rules see them (`gateway.core.consents.by_channel`); those without a time come last."""
    records, said = facts.consent_records, set[str]()
    for channel, purpose in dict.fromkeys((each.channel, each.purpose) for each in records):
        met = [each for each in records if each.channel == channel and each.purpose in ("", purpose)]
        points = {each.contact_point for each in met}
        words = [latest(each for each in met if each.contact_point in ("", point)) for point in points]
        # One contact point that may not be used makes it a no, which is the one to show.
        noes = [each for each in words if each is not None and not each.granted]
        last = latest(noes or [each for each in words if each is not None])
        said.add(f"{channel}/{purpose}" if purpose else channel)
        if last is not None:
            yield _consent(last, purpose)
    for name, granted in facts.consents.items():
        if name not in said:
            channel, _, purpose = name.partition("/")
            status = profile_pb2.CONSENT_STATUS_GRANTED if granted else profile_pb2.CONSENT_STATUS_DENIED
            yield profile_pb2.Consent(purpose=purpose or ANY, channel=channel, status=status)


def _consent(last: Consent, purpose: str) -> profile_pb2.Consent:
    consent = profile_pb2.Consent(
        purpose=purpose or ANY,
        channel=last.channel,
        status=_STATUSES[last.status],
        legal_basis=_BASES.get(last.legal_basis, profile_pb2.LEGAL_BASIS_UNSPECIFIED),
        source=last.proof[:_MOST_SHOWN],
    )
    if last.captured_ms:
        consent.capture_time.CopyFrom(timestamp(last.captured_ms))
    if last.withdrawn_ms:
        consent.withdrawal_time.CopyFrom(timestamp(last.withdrawn_ms))
    return consent


def _said(consent: profile_pb2.Consent, *, agent: str, now_ms: int) -> Said:
    captured_ms = min(consent.capture_time.ToMilliseconds(), now_ms)
    statement = Consent(
        channel=consent.channel,
        status=_STATUS_OF[consent.status],
        captured_ms=captured_ms,
        purpose="" if consent.purpose == ANY else consent.purpose,
        legal_basis=_BASIS_OF.get(consent.legal_basis, "consent"),
        # Who says so belongs to the proof: a policy may want to know which consents agents have brought.
        proof=f"agent {agent}: {consent.source}" if consent.source else f"agent {agent}",
    )
    return Said(statement, captured_ms, min(consent.withdrawal_time.ToMilliseconds(), now_ms))


def _problems(consent: profile_pb2.Consent, *, now_ms: int) -> Iterator[Problem]:
    """(field, what is wrong with it)."""
    status = _STATUS_OF.get(consent.status)
    if consent.purpose != ANY and not _WORD.match(consent.purpose):
        yield "purpose", 'must be what contacts are for, such as "marketing", or "*" for everything'
    if not _WORD.match(consent.channel):
        yield "channel", 'must be one channel such as "email"; say each one by itself'
    if status is None:
        yield "status", "must be GRANTED, DENIED or WITHDRAWN"
    if consent.legal_basis not in _BASIS_OF and (status == "granted" or consent.legal_basis):
        yield "legal_basis", "must say what a GRANTED consent rests on"
    yield from _times_wrong(consent, withdrawn=status == "withdrawn", now_ms=now_ms)
    if len(consent.source) > _MOST_SOURCE:
        yield "source", f"must be at most {_MOST_SOURCE} characters"
    elif is_personal(consent.source):
        yield "source", "must not hold an address or a number of a person: name the form, the recording"


def _times_wrong(consent: profile_pb2.Consent, *, withdrawn: bool, now_ms: int) -> Iterator[Problem]:
    captured_ms, withdrawn_ms = consent.capture_time.ToMilliseconds(), consent.withdrawal_time.ToMilliseconds()
    if consent.HasField("capture_time") and not 0 < captured_ms <= now_ms + AHEAD_MS:
        yield "capture_time", _TIME
    if consent.HasField("withdrawal_time"):
        if not withdrawn:
            yield "withdrawal_time", "must be absent unless the status is WITHDRAWN"
        elif not max(1, captured_ms) <= withdrawn_ms <= now_ms + AHEAD_MS:
            yield "withdrawal_time", f"{_TIME}, nor before capture_time"
    if consent.HasField("expire_time"):
        yield "expire_time", "must be absent: how long a consent counts is for the policy to say (max_age)"
