"""What customers say about being contacted, told by events, stands by the time at which they said it."""

import itertools
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import Facts
from gateway.core.consents import Consent, by_channel, latest
from gateway.core.fact_changes import Known, changed
from tests.services.intake.conftest import Door

TC_STRING: Final = (
    "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBA"
)
_numbers = itertools.count()

statements = st.builds(
    lambda channel, purpose, status, at_ms, proof: Consent(
        channel=channel,
        purpose=purpose,
        status=status,
        captured_ms=at_ms,
        withdrawn_ms=at_ms if status == "withdrawn" else 0,
        proof=proof,
    ),
    st.sampled_from(["email", "sms"]),
    st.sampled_from(["", "marketing"]),
    st.sampled_from(["granted", "refused", "withdrawn"]),
    st.integers(1, 9),
    st.sampled_from(["cdp", "shop"]),
)


def consenting(*, given_: bool, at: str) -> dict[str, Any]:
    context = {"consent": {"categoryPreferences": {"Marketing": given_, "Analytics": True}}}
    return {"userId": "ada", "messageId": f"m-{next(_numbers)}", "timestamp": at, "context": context, "event": "Seen"}


async def words(door: Door) -> dict[str, bool]:
    facts = await door.facts()
    return by_channel(facts.consent_records) if facts else {}


@given(st.lists(statements, max_size=12), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_statements_comes_to_the_same_words(told: list[Consent], draw: Any) -> None:
    again = told + [draw.choice(told) for _ in range(4) if told]
    draw.shuffle(again)
    found = Facts()
    for each in again:
        found = changed(Known(found), (), [each]).facts
    assert by_channel(found.consent_records) == by_channel(told)
    for channel in ("email", "sms"):
        kept, said = (
            [each for each in records if each.channel == channel] for records in (found.consent_records, told)
        )
        last, wanted = latest(kept), latest(said)
        assert (last is None) == (wanted is None)
        assert last is None or wanted is None or (last.said_ms, last.granted) == (wanted.said_ms, wanted.granted)


def test_what_is_said_with_every_page_view_is_kept_twice_at_most() -> None:
    known = Known(Facts())
    for at_ms in range(500):
        known = changed(known, (), [Consent(channel="email", status="granted", captured_ms=at_ms, proof="cdp")])
    assert [each.captured_ms for each in known.facts.consent_records] == [0, 499]


async def test_a_consent_in_an_events_context_is_put_on_record_with_its_proof(door: Door) -> None:
    await door.send("/v1/track", consenting(given_=True, at="2026-01-02T00:00:00Z"))
    facts = await door.facts()
    assert facts is not None
    one, other = facts.consent_records
    assert (one.channel, other.channel, one.purpose, one.status) == ("email", "sms", "marketing", "granted")
    assert one.proof == "site: context.consent.categoryPreferences.Marketing"
    assert one.captured_ms == 1_767_312_000_000
    await door.send("/v1/track", consenting(given_=False, at="2026-01-01T00:00:00Z"))  # late
    assert await words(door) == {"email/marketing": True, "sms/marketing": True}
    await door.send("/v1/track", consenting(given_=False, at="2026-01-03T00:00:00Z"))
    assert await words(door) == {"email/marketing": False, "sms/marketing": False}


async def test_who_unsubscribes_withdraws_and_a_late_consent_does_not_bring_it_back(door: Door) -> None:
    await door.send("/v1/track", consenting(given_=True, at="2026-01-02T00:00:00Z"))
    gone = {"userId": "ada", "event": "Unsubscribed", "timestamp": "2026-01-04T00:00:00Z"}
    await door.send("/v1/track", gone)
    await door.send("/v1/track", consenting(given_=True, at="2026-01-03T00:00:00Z"))
    assert await words(door) == {"email/marketing": False, "sms/marketing": True}


async def test_strings_of_the_iab_and_global_privacy_control_are_consents(door: Door) -> None:
    await door.send(
        "/v1/identify", {"userId": "ada", "context": {"tcf": TC_STRING}, "timestamp": "2026-01-01T00:00:00Z"}
    )
    assert await words(door) == {"ads": True}
    status, answer = await door.send("/v1/identify", {"userId": "ada", "context": {"tcf": "C" * 50}})
    assert (status, [each["field"] for each in answer["ignored"]]) == (200, ["context.tcf"])
    await door.send("/v1/page", {"userId": "ada", "timestamp": "2026-01-02T00:00:00Z"}, sec_gpc="1")
    assert await words(door) == {"ads": False}


async def test_a_gpp_string_refuses_for_who_has_opted_out_and_else_says_what_its_tc_string_says(door: Door) -> None:
    async def send(text: str, at: str) -> dict[str, Any]:
        sent = {"userId": "ada", "context": {"gpp": text}, "timestamp": at}
        status, answer = await door.send("/v1/identify", sent)
        assert status == 200
        return answer

    await send("DBABTA~1YNN", "2026-01-01T00:00:00Z")
    assert await words(door) == {}, "who has not opted out has said nothing"
    await send(f"DBABM~{TC_STRING}", "2026-01-02T00:00:00Z")
    assert await words(door) == {"ads": True}
    await send(f"DBACNY~{TC_STRING}~1YYN", "2026-01-03T00:00:00Z")
    assert await words(door) == {"ads": False}
    ignored = (await send(f"DBABM~{TC_STRING[:30]}", "2026-01-04T00:00:00Z"))["ignored"]
    assert [(each["reason"], each["field"]) for each in ignored] == [("UNFIT", "context.gpp")]
