"""A look in a process of its own sees what it would see here, and whatever ends it is heard here."""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from services.findings.finding import Seen
from services.workbench.columns.database import Columns
from services.workbench.columns.source import Source
from services.workbench.elsewhere import Elsewhere
from services.workbench.looking import Look, looked
from services.workbench.looks.drift import DriftLook
from tests.services.findings.test_finding import seen
from tests.services.workbench.calls import HOUR_MS, START_MS, calls
from tests.services.workbench.test_drift import refused
from tests.services.workbench.test_sums import Plain, some, values_of

HOURS = range(16 * 24 + 1)


class Asking:
    """Asks in every way there is, and says what it got."""

    kind = "asking"

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        beside = {"wanted": {"channel": np.array(["sms", "email"], dtype=object)}}
        joined = columns.asked("SELECT DISTINCT channel FROM admitted SEMI JOIN wanted USING (channel)", beside=beside)
        empty = columns.asked("SELECT max(at_ms) AS last FROM admitted WHERE at_ms > $now", {"now": now_ms})
        sums = list(columns.sums(start_hour=0, end_hour=now_ms // HOUR_MS, least=1, most=100))
        counts = [(group.segment, group.measure, float(its.counts.sum())) for group, its in sums]
        told = {"channels": joined["channel"].tolist(), "none": empty["last"].tolist(), "sums": counts}
        return [seen(about=tuple((str(name), "") for name in columns.tenants()), shown=told)]


class Wrong(Asking):
    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        columns.asked("SELECT nothing FROM nowhere")
        raise AssertionError(now_ms)


class Ended(Asking):
    def look(self, columns: Source, *, now_ms: int) -> NoReturn:
        os._exit(9)


class Endless(Asking):
    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        while True:
            columns.asked("SELECT 1")


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Columns]:
    made = Columns(tmp_path_factory.mktemp("columns"), summing=Plain())
    usual = [*calls(HOURS[:-1], seed=3, each=20, record=some)]
    other = [*calls(HOURS[-1:], seed=4, each=300, record=refused)]
    made.append(usual, values=values_of(usual, seed=1))
    made.append(other, values=values_of(other, seed=2))
    yield made
    made.close()


async def test_it_sees_there_what_it_would_see_here_and_beside_all_others(columns: Columns) -> None:
    now_ms = START_MS + len(HOURS) * HOUR_MS
    here, there = list[Look]([Asking(), DriftLook()]), list[Look]()
    with contextlib.ExitStack() as stack:
        for make in (Asking, DriftLook):
            there.append(stack.enter_context(contextlib.closing(Elsewhere(make, kind=make.kind, summing=Plain))))
        heard: list[str] = []
        wanted = await looked(columns, here, now_ms=now_ms)
        for _ in range(2):  # it looks as often as it is asked to
            found = await looked(columns, [there[0], here[1], there[1]], now_ms=now_ms, told=heard.append)
            assert found == ((*wanted[0], *wanted[0][1:]), ())
    assert sorted(heard) == ["asking", "asking", *["drift"] * 4]
    assert wanted[0][0].about == (("acme", ""),)
    assert sorted(wanted[0][0].shown["channels"]) == ["email", "sms"]
    assert len(wanted[0][0].shown["sums"]) > 400
    assert {each.kind for each in wanted[0][1:]} == {"drift"}


async def test_what_cannot_cope_there_blinds_no_other(columns: Columns) -> None:
    with contextlib.closing(Elsewhere(Wrong, kind="wrong", summing=Plain)) as wrong:
        for _ in range(2):
            found, failed = await looked(columns, [wrong, Asking()], now_ms=START_MS)
            assert ([each.kind for each in found], failed) == (["drift"], ("wrong",))


async def test_a_process_that_has_ended_is_heard_and_one_that_is_ended_too(columns: Columns) -> None:
    with contextlib.closing(Elsewhere(Ended, kind="ended", summing=Plain)) as ended:
        for _ in range(2):
            with pytest.raises(OSError, match=r"ended|[Pp]ipe"):
                await looked(columns, [ended, Asking()], now_ms=START_MS)
    endless = Elsewhere(Endless, kind="endless", summing=Plain)
    asked = threading.Event()

    class Heard(Source):
        def asked(self, *_: object, **__: object) -> dict[str, NDArray[Any]]:
            asked.set()
            return {}

    def close() -> None:
        asked.wait()
        endless.close()

    closing = threading.Thread(target=close)
    closing.start()
    with pytest.raises(OSError, match=r"ended|reset|[Pp]ipe"):
        endless.look(Heard(None), now_ms=START_MS)
    closing.join()
