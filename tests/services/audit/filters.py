"""Filters and decisions as hypothesis makes them up, for everything that must agree about them."""

from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from gateway.core.call import Lineage
from gateway.core.record import (
    Attempt,
    BucketAsk,
    BucketLook,
    Exposure,
    Obligation,
    Outcome,
    Record,
    RuleLook,
    Settlement,
    Steps,
    Verdict,
)
from gateway.core.shadows import CopyEnd, ShadowResult
from gateway.records.conclusion import concluded, settled, state_at
from services.audit.entries import Admitted, Copied, Entry, Settled, read
from services.audit.filters.expression import Age, All, Comparison, Expression, Has, Like, Not, Some, SubjectIs, Text
from services.audit.filters.fields import FIELDS, MEMBERS, Field, Kind
from services.audit.filters.known_values import KNOWN
from services.audit.store import Stored
from tests.services.audit.conftest import NOW_MS, a_record, a_settlement, admit, an_id, settle

WORDS: Final = ("a", "b c", 'd"e', "f\\g", "AND", "é", "-h", "a*b", "a[b", "A", "quiet_hours", "x?")
_OFTEN: Final = frozenset(
    ("", "OK", "QUIET_HOURS", "granted", "holdout", "monitor", "reply", "AGREED", "SENT", "mirror", "shadow", "ALLOW")
)
Row = tuple[Record, Settlement | None]
_words: Final = st.sampled_from(WORDS)
_some_words: Final = _words | st.just("")


def entry(fields: dict[Any, Any]) -> Entry:
    """An entry as the writer reads it."""
    as_bytes = {key.encode(): value.encode() if isinstance(value, str) else value for key, value in fields.items()}
    found = read(as_bytes, stream=b"pilote:{acme/0}:decisions")
    assert isinstance(found, Admitted | Settled | Copied)
    return found


def entries(rows: list[Row]) -> list[Entry]:
    """What the writer reads of these decisions."""
    return [
        entry(each)
        for record, ended in rows
        for each in (
            admit(record, _granted(record)),
            *((settle(ended),) if ended else ()),
            *({"k": "copy", "r": msgspec.json.encode(copy)} for copy in copies(record)),
        )
    ]


def copies(record: Record) -> tuple[ShadowResult, ...]:
    """What came of copies of a call: of some none, of some two, as the record itself has it."""
    ends = (CopyEnd.AGREED, CopyEnd.DIFFERED, CopyEnd.FAILED)
    shadow = ShadowResult(
        id=record.id,
        kind="shadow",
        end=ends[record.request_bytes % 3],
        route=record.route,
        arm=record.agent,
        upstream="up",
        version=record.brand,
        received_ms=record.received_ms,
        sent=record.standby,
        verdict=record.verdict.value,
        reason=record.reason,
        rule=record.rule,
        status="OK" if record.standby else "",
        took_us=record.keep_days if record.standby else 0,
    )
    mirror = msgspec.structs.replace(shadow, kind="mirror", end=CopyEnd.SENT, arm=record.purpose)
    return ((), (), (shadow,), (shadow, mirror))[record.revision % 4]


def _granted(record: Record) -> Outcome:
    """What admission says that has looked at every bucket and lets the call through."""
    return Outcome(granted=True, looks=tuple(BucketLook(1, 0) for _ in record.buckets))


def stored(row: Row, *, now_ms: int = NOW_MS) -> Stored:
    """The decision as a store must know it."""
    record, settlement = row
    conclusion = concluded(record, _granted(record))
    if settlement is not None:
        conclusion = settled(conclusion, settlement)
    state = state_at(conclusion.state, expires_ms=record.expires_ms, now_ms=now_ms)
    return Stored(
        conclusion=type(conclusion)(
            *(conclusion.verdict, conclusion.reason, conclusion.rule, conclusion.status, state, conclusion.settled_ms)
        ),
        record=record,
        outcome=_granted(record),
        settlement=settlement,
        copies=copies(record),
    )


@st.composite
def rows(draw: st.DrawFn, *, most: int = 8) -> list[Row]:
    """A few decisions that differ in everything a filter may ask for."""
    return [draw(_row(number)) for number in range(draw(st.integers(1, most)))]


@st.composite
def _row(draw: st.DrawFn, number: int) -> Row:
    texts = ("tenant", "agent", "arm", "version", "agent_version", "brand", "purpose", "decider", "rule", "citation")
    received_ms = NOW_MS + draw(st.integers(-3, 3))
    record = a_record(
        number,
        **{name: draw(_some_words) for name in texts},
        # Far from the id's own time as well, which the store uses as an index.
        id=an_id(number, at_ms=NOW_MS + draw(st.sampled_from([0, 0, -100_000]))),
        received_ms=received_ms,
        method=draw(st.sampled_from(["/pilote.crm.v1.MessageService/SendMessage", "/x/y"])),
        operation=draw(st.sampled_from(["READ", "CONTACT", "INFER"])),
        revision=draw(st.integers(0, 3)),
        verdict=draw(st.sampled_from(list(Verdict))),
        reason=draw(st.sampled_from(["", "QUIET_HOURS"])),
        rules=tuple(
            RuleLook(
                name,
                draw(st.sampled_from(["deny", "holdout"])),
                draw(st.sampled_from(["enforce", "monitor"])),
                standing=draw(st.sampled_from(["", "granted"])),
                basis=draw(_some_words),
            )
            for name in draw(st.lists(_words, max_size=2))
        ),
        buckets=tuple(BucketAsk(name, "cap", 3, 1_000) for name in draw(st.lists(_words, max_size=2))),
        topics=tuple(draw(st.lists(_words, max_size=2))),
        exposures=tuple(Exposure(name, draw(_words)) for name in draw(st.lists(_words, max_size=2))),
        lineage=draw(st.none() | st.builds(Lineage, model=_words, version=_words, arm=_some_words)),
        obligations=tuple(Obligation(name, "reply") for name in draw(st.lists(_words, max_size=1))),
        holdouts=tuple(draw(st.lists(_words, max_size=2))),
        took_us=draw(st.sampled_from([0, 1, 3, 200_000, 2_000_000])),
        steps=draw(st.none() | st.builds(Steps, wait_us=st.integers(0, 3), facts_us=st.integers(0, 3))),
        keep_days=draw(st.integers(0, 3)),
        standby=draw(st.booleans()),
        request_bytes=draw(st.integers(0, 2)),
        expires_ms=draw(st.sampled_from([0, NOW_MS - 1, NOW_MS, NOW_MS + 1])),
    )
    return record, draw(_ended(record)) if draw(st.booleans()) else None


@st.composite
def _ended(draw: st.DrawFn, record: Record) -> Settlement:
    return a_settlement(
        id=record.id,
        settled_ms=NOW_MS + draw(st.integers(-2, 2)),
        in_doubt=draw(st.booleans()),
        slow=draw(st.booleans()),
        total_us=draw(st.integers(0, 3)) * 1_000,
        overhead_us=draw(st.integers(0, 3)),
        admit_us=draw(st.integers(0, 3)),
        costs=draw(st.dictionaries(_words, st.integers(0, 3), max_size=2)),
        attempts=tuple(
            Attempt(name, "up", "OK", took_us=draw(st.integers(0, 3))) for name in draw(st.lists(_words, max_size=2))
        ),
        served=draw(_some_words),
    )


def _value(field: Field) -> st.SearchStrategy[str | int]:
    match field.kind:
        case Kind.NUMBER:
            return st.integers(-1, 4)
        case Kind.DURATION:
            return st.integers(0, 4) | st.integers(0, 4).map(lambda ms: ms * 1_000)
        case Kind.TIME:
            return st.integers(-4_000, 4_000).map(lambda us: NOW_MS * 1_000 + us)
        case Kind.BOOL:
            return st.sampled_from([0, 1])
        case Kind.VERDICT | Kind.STATE | Kind.OPERATION:
            return st.sampled_from(MEMBERS[field.kind])
        case Kind.NAME:
            return st.integers(0, 8).map(an_id)
        case Kind.TEXT if field.name in KNOWN:
            often = [each for each in KNOWN[field.name] if each in _OFTEN]
            return st.sampled_from(["", *(often or KNOWN[field.name])])
        case _:
            return st.sampled_from([*WORDS, "", "OK", "QUIET_HOURS", "up", "holdout", "monitor"])


@st.composite
def _comparison(draw: st.DrawFn, field: Field) -> Expression:
    key = draw(_some_words.filter(lambda word: '"' not in word)) if field.path.shape == "{}" else ""
    comparator = draw(st.sampled_from([each for each in field.comparators if each != ":"]))
    return Comparison(field, comparator, draw(_value(field)), key)


_pieces: Final = st.lists(st.sampled_from(["a", "b", "*", "?", "[", "é", "c", "quiet", "/"]), min_size=2, max_size=4)
_fields: Final = st.sampled_from([field for field in FIELDS.values() if field.kind is not Kind.SUBJECT])
_texts: Final = st.sampled_from([field for field in FIELDS.values() if field.kind in {Kind.TEXT, Kind.RULE}])
_times: Final = st.sampled_from([field for field in FIELDS.values() if field.kind is Kind.TIME])
_leaves: Final = st.one_of(
    _fields.flatmap(_comparison),
    st.builds(Has, _fields),
    st.builds(Like, _texts, _pieces.map(tuple) | _pieces.map(lambda pieces: ("", *pieces[1:-1], ""))),
    st.builds(Age, _times, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.integers(0, 4_000)),
    st.builds(
        Text, st.sampled_from(["a", "b c", "quiet hours", "É", "Quiet", "send", "messageservice sendm"]), st.booleans()
    ),
)
expressions: Final = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Some(tuple(parts))),
    ),
    max_leaves=6,
)
"""Filters without subjects, of every kind of part."""
subjects: Final = st.lists(st.integers(0, 8).map(str), max_size=3).map(lambda refs: SubjectIs(tuple(refs)))
