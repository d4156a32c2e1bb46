"""A report about a person becomes a file only where it is whole, and not too long for one."""

from collections.abc import AsyncIterator

import pytest

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import persons_pb2
from services.control.reports.persons import gathered
from services.control.undone import Undone


async def answers(*counts: int) -> AsyncIterator[persons_pb2.ReportPersonResponse]:
    for count in counts:
        yield persons_pb2.ReportPersonResponse(entries=[persons_pb2.PersonEntry(name="decisions/a")] * count)


async def test_all_of_it_is_taken_up_to_the_limit() -> None:
    assert len(await gathered(answers(0, 2, 3), most=5)) == 3
    with pytest.raises(Undone) as long:
        await gathered(answers(0, 2, 4), most=5)
    assert (long.value.field, "5" in long.value.said("fr")) == ("format", True)


async def test_where_nothing_comes_it_is_no_empty_report() -> None:
    with pytest.raises(CallEnded) as cut:
        await gathered(answers(), most=5)
    assert cut.value.reason is Reason.STORE_UNAVAILABLE
