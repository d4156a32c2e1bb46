"""The filter means what AIP-160 says, and explains every mistake."""

import contextlib
import operator
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.conclusion import concluded, settled, state_at
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import Outcome, Record, RuleLook, Settlement, Verdict
from services.audit.entries import Admitted, Entry, Settled, read
from services.audit.expression import FIELDS, Kind
from services.audit.filter import MAX_CHARACTERS, MAX_DEPTH, parse
from services.audit.sqlite_store import SqliteStore
from tests.services.audit.conftest import NOW_MS, a_record, a_settlement, admit, an_id, settle

WORDS: Final = ("a", "b c", 'd"e', "f\\g", "AND", "é", "-h")
METHODS: Final = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Row = tuple[Record, Settlement | None]
Matches = Callable[[Row], bool]


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("agnt = x", "line 1, column 1: There is no field agnt. Did you mean agent?"),
        ("zzz = x", "There are: agent, arm,"),
        ("agent = x and arm = y", "line 1, column 11: and is written in capitals: AND."),
        ("agent = x arm = y", "line 1, column 11: Expected AND, OR, the end but found arm."),
        ("agent =", "Expected a value but found the end."),
        ("agent", "Expected one of = != < <= > >= but found the end."),
        ("agent = x AND\n(arm = y", "line 2, column 8: Expected ) but found the end."),
        ("agent > x", "line 1, column 7: agent is compared with = or != only."),
        ("verdict = MAYBE", "line 1, column 11: verdict is ALLOW, DENY, HOLD or DEFER, not MAYBE."),
        ("revision > many", "revision is a whole number, not many."),
        ("receive_time > 2026-11-24", "receive_time is a time such as 2026-11-24T10:00:00Z, not 2026-11-24."),
        ("receive_time > 2026-13-24T10:00:00Z", "receive_time is a time"),
        ("name = x", "name is a resource name, decisions/{decision}, not x."),
        ("(" * 60 + "agent = x" + ")" * 60, f"column 51: At most {MAX_DEPTH} parentheses"),
        ("x" * 4_001, "4001 characters; at most 4000"),
    ],
)
def test_a_mistake_is_explained_where_it_is(text: str, explained: str) -> None:
    with pytest.raises(CallEnded) as ended:
        parse(text)
    assert ended.value.reason is Reason.ARGUMENT_INVALID
    assert explained in ended.value.message
    assert ended.value.violations[0][0] == "filter"


@given(st.text(max_size=200) | st.text("()\"'\\ANDORT-=<>!agentx \n", max_size=200))
def test_random_text_never_raises_anything_else(text: str) -> None:
    with contextlib.suppress(CallEnded):
        parse(text)


@given(st.lists(st.sampled_from(["agent", "verdict", "=", "!=", "x", "AND", "OR", "NOT", "-", "(", ")", '"', "DENY"])))
def test_random_words_never_raise_anything_else(words: list[str]) -> None:
    with contextlib.suppress(CallEnded):
        parse(" ".join(words))


async def test_the_longest_filters_are_answered(store: SqliteStore) -> None:
    await store.write([_entry(admit(a_record()))])
    wide = " OR ".join(["arm=x"] * ((MAX_CHARACTERS - 9) // 9))
    nested = "-(" * (MAX_DEPTH - 1) + "agent = sales-bot" + ")" * (MAX_DEPTH - 1)
    both = "-(" * MAX_DEPTH + wide[: MAX_CHARACTERS - 3 * MAX_DEPTH].rpartition(" OR ")[0] + ")" * MAX_DEPTH
    rules = " OR ".join(["rule=x"] * (MAX_CHARACTERS // 10))

    found = [
        len(await store.page(parse(text), now_ms=NOW_MS, before="", size=10)) for text in (wide, nested, both, rules)
    ]

    assert found == [0, 0, 0, 0]


def _entry(fields: dict[Any, Any]) -> Entry:
    as_bytes = {key.encode(): value.encode() if isinstance(value, str) else value for key, value in fields.items()}
    entry = read(as_bytes, stream=b"pilote:{acme/0}:decisions")
    assert isinstance(entry, Admitted | Settled)
    return entry


def _values(record: Record, settlement: Settlement | None) -> dict[str, Any]:
    """What each field of a row is, said anew from the contract's words."""
    conclusion = concluded(record, Outcome(granted=True))
    if settlement is not None:
        conclusion = settled(conclusion, settlement)
    own = {name: getattr(record, name) for name in ("tenant", "agent", "operation", "arm", "revision")}
    return own | {
        "model_version": record.version,
        "verdict": conclusion.verdict,
        "reason": conclusion.reason,
        "status": conclusion.status,
        "state": state_at(conclusion.state, expires_ms=record.expires_ms, now_ms=NOW_MS),
        "receive_time": record.received_ms * 1_000,
        "settle_time": None if conclusion.settled_ms is None else conclusion.settled_ms * 1_000,
        "rule": {conclusion.rule, *(look.rule for look in record.rules)},
    }


@st.composite
def _rows(draw: st.DrawFn) -> list[Row]:
    rows: list[Row] = []
    for number in range(draw(st.integers(1, 8))):
        word = st.sampled_from(WORDS)
        received_ms = NOW_MS + draw(st.integers(-3, 3))
        record = a_record(
            number,
            # Far from the id's own time as well, which the store uses as an index.
            id=an_id(number, at_ms=NOW_MS + draw(st.sampled_from([0, 0, -100_000]))),
            received_ms=received_ms,
            tenant=draw(word),
            agent=draw(word),
            arm=draw(word),
            version=draw(word),
            operation=draw(st.sampled_from(["READ", "CONTACT", "INFER"])),
            revision=draw(st.integers(0, 3)),
            verdict=draw(st.sampled_from(list(Verdict))),
            reason=draw(st.sampled_from(["", "QUIET_HOURS"])),
            rule=draw(word),
            rules=tuple(RuleLook(name, "deny") for name in draw(st.lists(word, max_size=2))),
            expires_ms=draw(st.sampled_from([0, NOW_MS - 1, NOW_MS, NOW_MS + 1])),
        )
        ended = a_settlement(number, id=record.id, in_doubt=draw(st.booleans())) if draw(st.booleans()) else None
        rows.append((record, ended))
    return rows


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def _comparison(draw: st.DrawFn) -> tuple[str, Matches]:
    name = draw(st.sampled_from(sorted(_values(a_record(), None))))
    comparator = draw(st.sampled_from(FIELDS[name].comparators))
    value: Any
    match FIELDS[name].kind:
        case Kind.NUMBER:
            value = draw(st.integers(-1, 4))
            text = str(value)
        case Kind.TIME:
            value = NOW_MS * 1_000 + draw(st.integers(-4_000, 4_000))
            moment = datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)
            text = moment.isoformat(timespec="microseconds")
        case Kind.VERDICT | Kind.STATE | Kind.OPERATION:
            text = value = draw(st.sampled_from(["ALLOW", "DENY", "RUNNING", "IN_DOUBT", "SETTLED", "READ", "INFER"]))
            if value not in FIELDS[name].kind.value:
                text = value = FIELDS[name].kind.value.split(",")[0].split(" ")[0]
        case _:
            value = draw(st.sampled_from([*WORDS, "", "OK", "QUIET_HOURS"]))
            text = _quoted(value)

    def matches(row: Row) -> bool:
        have = _values(*row)[name]
        if name == "rule":
            return bool((value in have) == (comparator == "="))
        return have is not None and bool(METHODS[comparator](have, value))

    return f"{name} {comparator} {text}", matches


def _not(part: tuple[str, Matches]) -> tuple[str, Matches]:
    return f"NOT ({part[0]})", lambda row: not part[1](row)


def _and(parts: list[tuple[str, Matches]]) -> tuple[str, Matches]:
    return " AND ".join(f"({text})" for text, _ in parts), lambda row: all(matches(row) for _, matches in parts)


def _or_within_and(parts: list[tuple[str, Matches]]) -> tuple[str, Matches]:
    """`a AND b OR c` without parentheses around the OR: it binds tighter."""
    (first, one), *others = parts
    text = f"({first}) AND " + " OR ".join(f"({text})" for text, _ in others)
    return text, lambda row: one(row) and any(matches(row) for _, matches in others)


_filters = st.recursive(
    _comparison(),
    lambda inner: st.one_of(
        inner.map(_not),
        st.lists(inner, min_size=1, max_size=3).map(_and),
        st.lists(inner, min_size=2, max_size=3).map(_or_within_and),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_rows(), wanted=_filters)
async def test_filters_agree_with_a_plain_reading_of_them(
    rows: list[Row], wanted: tuple[str, Matches], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text, matches = wanted
    home: Path = tmp_path_factory.mktemp("store")
    store = SqliteStore(home)
    for record, settlement in rows:
        await store.write([_entry(admit(record)), *([_entry(settle(settlement))] if settlement else [])])

    found = await store.page(parse(text), now_ms=NOW_MS, before="", size=100)
    await store.close()

    expected = sorted((record.id for record, settlement in rows if matches((record, settlement))), reverse=True)
    assert [stored.record.id for stored in found] == expected


@pytest.mark.parametrize("id_ms", [NOW_MS - 100_000, NOW_MS + 100_000])
@pytest.mark.parametrize("comparator", ["=", "<=", ">="])
async def test_a_decision_is_found_by_its_receive_time_even_if_its_id_tells_another(
    store: SqliteStore, id_ms: int, comparator: str
) -> None:
    await store.write([_entry(admit(a_record(id=an_id(0, at_ms=id_ms))))])

    found = await store.page(parse(f"receive_time {comparator} 2026-11-24T10:00:00Z"), now_ms=NOW_MS, before="", size=1)

    assert len(found) == 1
