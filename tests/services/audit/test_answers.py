"""Sums that were answered before are right whatever has been sealed, changed or damaged since."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.rpc.times import timestamp
from services.audit.filters.expression import All, Comparison
from services.audit.filters.fields import FIELDS
from services.audit.filters.filter import parse
from services.audit.filters.spans import within
from services.audit.sql.dialects import Sql
from services.audit.sqlite.segments.answers import Answers
from services.audit.sqlite.store import SqliteStore
from tests.services.audit.test_damage import _overwritten
from tests.services.audit.test_sealing import COLD_MS, KEEPING, cold, of_hour
from tests.services.audit.test_segments import a_time, admitted, ended

FACETS = [FIELDS[name] for name in ("status", "rule", "agent")]
COUNT = Sql("SELECT count(*)")


async def sums(store: SqliteStore, text: str = "") -> tuple[Any, ...]:
    expression = parse(text)
    return (
        await store.facets(expression, FACETS, now_ms=COLD_MS),
        await store.span(expression, now_ms=COLD_MS),
        await store.timeline(expression, now_ms=COLD_MS, start_ms=a_time(0), width_ms=60_000),
    )


async def test_what_is_kept_is_what_a_store_that_keeps_nothing_says_after_every_change(tmp_path: Path) -> None:
    """Hours come, are sealed, and one that was sealed changes."""
    store = SqliteStore(tmp_path, keeping=KEEPING)
    texts = ("", f'receive_time >= "{_text(a_time(5))}"', 'status = "OK" rule = "allow-sales"')
    for numbers in (range(12), range(12, 20)):
        await store.write([admitted(number) for number in numbers])
        await store.write([ended(number) for number in numbers if number != 4])
        for step in (None, cold):
            if step is not None:
                await step(store)
            for _ in range(2):  # the second time it is kept
                found = [await sums(store, text) for text in texts]
                anew = SqliteStore(tmp_path, keeping=KEEPING)
                assert found == [await sums(anew, text) for text in texts]
                await anew.close()
    before = (await sums(store))[0]
    await store.write([ended(4, status="UNAVAILABLE")])
    assert (await sums(store))[0].counts["status"] != before.counts["status"]
    await store.close()


async def test_a_file_that_is_damaged_after_it_has_answered_is_missed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(number) for number in range(12)])
    await store.write([ended(number) for number in range(12)])
    await cold(store)
    assert ((await sums(store))[1][0], store.unreadable) == (12, ())
    _overwritten(tmp_path / "audit" / "sealed" / f"{of_hour(1)}.parquet")
    assert ((await sums(store))[1][0], len(store.unreadable)) == (9, 1)
    assert (await sums(store))[1][0] == 9
    await store.close()


async def test_what_followed_from_a_decision_is_looked_up_in_cold_hours(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    first, second = "a" * 32, "b" * 32
    named = {3: {"inference": first}, 7: {"parent": first}, 8: {"parent": second}, 11: {"inference": second}}
    await store.write([admitted(number, **named.get(number, {})) for number in range(12)])
    await store.write([ended(number) for number in range(12)])
    await cold(store)

    async def found(text: str) -> set[int]:
        stored = await store.page(parse(text), now_ms=COLD_MS, before="", size=9)
        return {each.record.received_ms for each in stored}

    followed = 'inference = "decisions/{0}" OR parent = "decisions/{0}"'
    assert await found(followed.format(first)) == {a_time(3), a_time(7)}
    assert await found(followed.format(second)) == {a_time(8), a_time(11)}
    assert await found(followed.format("c" * 32)) == set()
    assert await found(f'parent = "decisions/{first}" OR agent != "sales-bot"') == {a_time(7)}
    await store.close()


def test_the_longest_unused_go_first_and_a_file_that_has_changed_is_another(tmp_path: Path) -> None:
    answers = Answers(tmp_path, most_rows=6)
    (tmp_path / "a").write_bytes(b"1")
    keys = [answers.key(["a"], Sql("SELECT ?", (number,)), hidden=()) for number in range(3)]
    one, two, three = (key for key in keys if key is not None)
    for key in (one, two):
        answers.keep(key, [(1, 2), (3, 4)])
    assert answers.get(one) == [(1, 2), (3, 4)]
    answers.keep(three, [(5,), (6,)])
    assert [answers.get(key) for key in (one, two, three)] == [[(1, 2), (3, 4)], None, [(5,), (6,)]]
    before = answers.key(["a"], COUNT, hidden=())
    assert answers.key(["a"], COUNT, hidden=("x",)) != before
    (tmp_path / "a").write_bytes(b"12")
    assert answers.key(["a"], COUNT, hidden=()) != before
    assert answers.key(["a", "b"], COUNT, hidden=()) is None


_OPS = {"<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__, "=": int.__eq__, "!=": int.__ne__}
_times = st.integers(0, 60)


@given(
    bounds=st.lists(st.tuples(st.sampled_from(sorted(_OPS)), st.integers(-5_000, 65_000)), max_size=4),
    span=st.tuples(_times, _times).filter(lambda both: both[0] < both[1]),
    skew_ms=st.integers(0, 10),
    data=st.data(),
)
def test_within_a_span_the_rest_of_a_filter_means_the_same(
    bounds: list[tuple[str, int]], span: tuple[int, int], skew_ms: int, data: st.DataObject
) -> None:
    parts = [Comparison(FIELDS["receive_time"], operator, value) for operator, value in bounds]
    rest = within(All(tuple(parts)), start_ms=span[0], end_ms=span[1], skew_ms=skew_ms)
    received_ms = data.draw(st.integers(span[0] - skew_ms, span[1] - 1 + skew_ms))

    def meets(comparisons: Any) -> bool:
        return all(_OPS[each.comparator](received_ms * 1_000, each.value) for each in comparisons)

    assert isinstance(rest, All)
    assert meets(parts) == meets(rest.parts)


def _text(at_ms: int) -> str:
    return timestamp(at_ms).ToJsonString()
