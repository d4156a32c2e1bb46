"""What customers say is kept, and the last word that fits stands."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import refusal
from gateway.core.call import NO_ROUTE, UNREADABLE_SUBJECT, Call, Facts, Operation
from gateway.core.consents import Consent, added, by_channel, latest, said_now
from gateway.core.decide import decide
from gateway.core.errors import Reason
from gateway.core.record import Verdict, contact_ref, subject_ref
from gateway.rpc.status import status_of
from tests.policies import SEND, revision

A, B = "a" * 32, "b" * 32


def granted(at: int = 1, **more: Any) -> Consent:
    return msgspec.convert({"channel": "email", "status": "granted", "captured_ms": at} | more, Consent)


def refused(at: int = 1, **more: Any) -> Consent:
    return granted(at, status="refused", **more)


@pytest.mark.parametrize(
    ("statements", "shown"),
    [
        ([], {}),
        ([granted()], {"email": True}),
        ([granted(), refused(2)], {"email": False}),
        ([refused(), granted(2)], {"email": True}),
        ([granted(2), refused(2)], {"email": False}),
        ([refused(2), granted(1)], {"email": False}),
        ([granted(purpose="news"), granted(channel="sms")], {"email/news": True, "sms": True}),
        ([granted(purpose="news"), refused(2)], {"email/news": False, "email": False}),
        ([granted(), refused(2, purpose="news")], {"email": True, "email/news": False}),
        ([granted(contact_point=A), refused(2, contact_point=B)], {"email": False}),
        ([refused(contact_point=A), granted(2)], {"email": True}),
    ],
)
def test_rules_see_the_last_word_for_every_contact_point(statements: list[Consent], shown: dict[str, bool]) -> None:
    assert by_channel(statements) == shown


def test_a_withdrawal_keeps_when_the_consent_was_given_and_the_consent_stays() -> None:
    before = (granted(10, proof="form-7"),)
    withdrawal = Consent(channel="email", status="withdrawn", captured_ms=0)

    after = added(before, said_now(before, withdrawal, now_ms=50))

    assert after[0] == before[0]
    assert (after[1].captured_ms, after[1].withdrawn_ms, after[1].said_ms) == (10, 50, 50)
    nothing_given = said_now((), withdrawal, now_ms=50)
    assert (nothing_given.captured_ms, nothing_given.withdrawn_ms) == (50, 50)


def test_a_repeat_adds_nothing() -> None:
    assert added((granted(),), granted()) == (granted(),)


STATEMENTS = st.lists(
    st.builds(
        Consent,
        channel=st.sampled_from(["email", "sms"]),
        status=st.sampled_from(["granted", "refused", "withdrawn"]),
        captured_ms=st.integers(0, 100),
        withdrawn_ms=st.integers(0, 100),
        purpose=st.sampled_from(["", "news", "offers"]),
        contact_point=st.sampled_from(["", A, B]),
    ),
    max_size=8,
)


@given(STATEMENTS, st.integers(0, 50), st.sampled_from(["refused", "withdrawn"]))
def test_whoever_says_no_now_is_not_contacted_however_wrong_the_clocks_were(
    statements: list[Consent], now_ms: int, status: str
) -> None:
    no = msgspec.convert({"channel": "email", "status": status, "captured_ms": 0}, Consent)

    after = added(statements, said_now(statements, no, now_ms=now_ms))

    assert not any(lets for key, lets in by_channel(after).items() if key.startswith("email"))
    assert after[: len(statements)] == tuple(statements)


@given(STATEMENTS)
def test_the_order_in_which_statements_are_kept_does_not_matter(statements: list[Consent]) -> None:
    assert by_channel(statements) == by_channel(statements[::-1])
    last = latest(statements)
    assert last is None or last.said_ms == max(each.said_ms for each in statements)


def test_facts_of_the_old_form_are_read_and_new_ones_come_back_as_they_went() -> None:
    old = msgspec.json.decode(b'{"known":true,"consents":{"email":true},"time_zone":"Europe/Paris"}', type=Facts)
    assert (old.consents, old.consent_records) == ({"email": True}, ())
    new = Facts(consent_records=(granted(5, purpose="news", contact_point=A, proof="form-7"),))
    assert msgspec.json.decode(msgspec.json.encode(new), type=Facts) == new


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel": "E-Mail"},
        {"status": "yes"},
        {"contact_point": "ada@example.org"},
        {"proof": "x" * 201},
        {"captured_ms": -1},
        {"when": 1},
    ],
)
def test_a_statement_that_says_something_else_is_not_taken(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        granted(**wrong)


def test_no_subject_has_the_pseudonym_of_a_contact_point() -> None:
    key = b"k" * 32
    assert contact_ref(key, tenant="acme", contact_point="x") != subject_ref(key, tenant="acme", subject="x")
    assert contact_ref(key, tenant="acme", contact_point="x") != contact_ref(key, tenant="other", contact_point="x")


def test_while_nothing_can_be_read_a_contact_waits_for_the_store_and_nobody_is_said_to_have_refused() -> None:
    found = revision(consents=[{"name": "opt-in"}])
    call = Call(
        method=SEND, operation=Operation.CONTACT, request=found.methods[SEND].contract.decode(b""), channel="sms"
    )

    decision = decide(
        found,
        found.methods[SEND],
        agent=next(iter(found.agents_by_key.values())),
        call=call,
        facts=UNREADABLE_SUBJECT,
        route=NO_ROUTE,
        ref=str,
        now_ms=1,
    )

    assert (decision.verdict, decision.reason, decision.rule) == (Verdict.DENY, Reason.STORE_UNAVAILABLE, "opt-in")
    assert [look.standing for look in decision.looks] == ["", "unknown"]
    ended = refusal.by_rule(decision, agent="bot", method=SEND, revision=1, language="fr")
    assert status_of(ended).code == 14  # UNAVAILABLE
