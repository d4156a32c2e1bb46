"""Pages show every audience once, whatever comes or goes between them; and a request that is repeated acts once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import CallEnded, Reason
from gateway.redis_clients import Client
from pilote.dmp.v1 import audience_service_pb2 as pb
from services.intake.audience_pages import page, page_size
from services.intake.repeats import Repeats

places = st.sets(st.tuples(st.integers(0, 9), st.text("abc", min_size=1, max_size=3)), max_size=20).map(sorted)


@given(places, places, st.integers(1, 7))
def test_pages_together_are_the_list_whatever_is_added_or_taken_away_meanwhile(
    before: list[tuple[int, str]], after: list[tuple[int, str]], size: int
) -> None:
    shown, token = page([(each, each) for each in before], size=size, token="", question=("q",))
    while token:
        more, token = page([(each, each) for each in after], size=size, token=token, question=("q",))
        shown += more
    assert len(shown) == len(set(shown))
    assert shown == sorted(shown)
    assert set(before) & set(after) <= set(shown)


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: raw.hex()))
def test_a_token_that_is_none_of_ours_is_refused(token: str) -> None:
    if token:
        with pytest.raises(CallEnded):
            page([], size=1, token=token, question=())


def test_a_page_has_as_many_as_are_asked_for_within_bounds() -> None:
    assert (page_size(0), page_size(7), page_size(5_000)) == (50, 7, 1_000)
    with pytest.raises(CallEnded):
        page_size(-1)


async def test_a_request_acts_once_and_its_id_stands_for_no_other(redis: Client) -> None:
    repeats, acted = Repeats(redis), list[int]()

    async def act() -> pb.AddMembersResponse:
        acted.append(1)
        return pb.AddMembersResponse(added_count=len(acted))

    async def ask(customer: str, request_id: str, *, agent: str = "a") -> int:
        request = pb.AddMembersRequest(audience="audiences/vip", customers=[customer], request_id=request_id)
        answer = await repeats.once("acme", request, pb.AddMembersResponse, act, agent=agent)
        return answer.added_count

    assert [await ask("contacts/a", "1"), await ask("contacts/a", "1"), await ask("contacts/b", "2")] == [1, 1, 2]
    assert [await ask("contacts/a", ""), await ask("contacts/a", "")] == [3, 4]
    assert await ask("contacts/b", "1", agent="b") == 5, "ids of different agents never meet"
    with pytest.raises(CallEnded) as reused:
        await ask("contacts/b", "1")
    with pytest.raises(CallEnded) as long:
        await ask("contacts/b", "x" * 101)
    assert [reused.value.reason, long.value.reason] == [Reason.IDEMPOTENCY_KEY_REUSED, Reason.ARGUMENT_INVALID]
