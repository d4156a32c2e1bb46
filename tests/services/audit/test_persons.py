"""A report about one person: all that concerns them and nobody else, in numbers and in words, and who asked for it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.sealing import Sealer
from gateway.adapters.subject_keys import SubjectKeys
from gateway.core.call import Lineage
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import (
    BucketAsk,
    BucketLook,
    Exposure,
    Obligation,
    Outcome,
    RuleLook,
    SealedInputs,
    Settlement,
    Verdict,
    subject_ref,
)
from gateway.core.shadows import CopyEnd, ShadowResult
from gateway.records.conclusion import concluded
from pilote.audit.v1 import personal_pb2, persons_pb2
from pilote.decision.v1 import decision_pb2
from services.audit import person_texts, person_totals, persons
from services.audit.person_texts import entry_sentences
from services.audit.personal import ReportNote
from services.audit.store import Stored
from tests.services.audit.conftest import KEY, NOW_MS, Audit, a_record, a_settlement, admit, an_id, append, settle, told
from tests.services.audit.test_outcomes import an_outcome
from tests.services.audit.test_personal import notes, with_values

ADA, BOB = (subject_ref(KEY, tenant="acme", subject=f"contacts/{name}") for name in ("ada", "bob"))
ASKED = {"subject": "contacts/ada", "tenant": "acme", "reason": "a request of the customer", "person": "zoe"}


async def reported(audit: Audit, **asked: str) -> tuple[persons_pb2.PersonSummary, list[persons_pb2.PersonEntry]]:
    summary, entries = persons_pb2.PersonSummary(), list[persons_pb2.PersonEntry]()
    async for answer in audit.queries().ReportPerson(persons_pb2.ReportPersonRequest(**(ASKED | asked)), None):
        if answer.HasField("summary"):
            summary = answer.summary
        entries += answer.entries
    return summary, entries


def about(number: int, ref: str = ADA, **changes: Any) -> dict[Any, Any]:
    return admit(a_record(number, subject_ref=ref, **changes))


CONTACT: dict[str, Any] = {"operation": "CONTACT", "channel": "email", "category": "marketing"}


async def test_a_report_has_all_that_concerns_the_person_and_nothing_about_anybody_else(audit: Audit) -> None:
    refused = a_record(
        2, subject_ref=ADA, **CONTACT, verdict=Verdict.DENY, reason="CONSENT_MISSING", rule="opt-in",
        rules=(RuleLook("opt-in", "deny", standing="refused", since_ms=NOW_MS),),
    )  # fmt: skip
    held_out: dict[str, Any] = {"verdict": Verdict.DENY, "reason": "HELD_OUT", "rule": "quiet-tenth",
                "rules": (RuleLook("quiet-tenth", "holdout"),)}  # fmt: skip
    decided: dict[str, Any] = {"decider": "Zoe Reviewer", "hold": "a" * 32, "hold_comment": "as Bob asked"}
    await append(
        audit.redis,
        about(1, **CONTACT, exposures=(Exposure("tone", "warm"),), **decided),
        settle(a_settlement(1)),
        admit(refused, Outcome(granted=False)),
        about(3, BOB, **CONTACT, agent="bob-bot"),
        about(4, **CONTACT, **held_out),
        about(5, tenant="globex"),
        told(an_outcome(1, type="converted")),
    )
    await audit.catch_up()

    summary, entries = await reported(audit)

    assert (summary.decisions, summary.allowed, summary.refused, summary.kept) == (3, 1, 2, 0)
    assert (dict(summary.contacts), summary.contacts_last_week) == ({"email": 1}, 1)
    assert dict(summary.outcomes) == {"converted": 1}
    assert (list(summary.variations), list(summary.holdouts)) == (["tone=warm"], ["quiet-tenth"])
    assert [entry.reason for entry in entries] == ["", "CONSENT_MISSING", "HELD_OUT"]
    assert [each.type for each in entries[0].outcomes] == ["converted"]
    everything = str(summary) + str(entries)
    assert not any(name in everything for name in ("Zoe", "Bob", BOB, "bob-bot", "globex"))
    assert "You were in the variation warm of the test tone." in entries[0].sentences
    assert any("you have not agreed to it (opt-in)" in each for each in entries[1].sentences)


async def test_who_asked_and_why_is_in_the_log_even_where_nothing_is_known(audit: Audit) -> None:
    summary, entries = await reported(audit, subject="contacts/nobody")
    assert (summary.decisions, entries) == (0, [])
    assert summary.sentences[1] == "Nothing is recorded about you."
    (note,) = [msgspec.json.decode(raw, type=ReportNote) for raw in await notes(audit.store, "access")]
    ref = subject_ref(KEY, tenant="acme", subject="contacts/nobody")
    assert note == ReportNote(
        at_ms=audit.now_ms, subject_ref=ref, tenant="acme", person="zoe", reason=ASKED["reason"], decisions=0
    )


async def test_long_reports_come_in_parts_oldest_first(audit: Audit) -> None:
    await append(audit.redis, *(about(number) for number in range(250)))
    await audit.catch_up()
    _, entries = await reported(audit, language_code="fr")
    times = [entry.receive_time.ToMilliseconds() for entry in entries]
    assert (len(times), times) == (250, sorted(times))


@pytest.mark.parametrize(
    ("field", "asked"),
    [("subject", {"subject": ""}), ("tenant", {"tenant": 'x" OR tenant = "acme'}), ("reason", {"reason": " "}),
     ("person", {"person": "Zoé !"})],
)  # fmt: skip
async def test_questions_that_lack_something_are_refused_with_the_field(
    audit: Audit, field: str, asked: dict[str, str]
) -> None:
    with pytest.raises(CallEnded) as refused:
        await reported(audit, **asked)
    assert (refused.value.reason, refused.value.violations[0][0]) == (Reason.ARGUMENT_INVALID, field)


async def test_a_report_of_three_thousand_calls_has_each_once_also_of_those_that_came_at_once(audit: Audit) -> None:
    def call(number: int, ref: str) -> dict[Any, Any]:
        at_ms = NOW_MS + number // 7 * 20_000  # seven at once, over more than two hours
        return admit(a_record(number, id=an_id(number, at_ms=at_ms), received_ms=at_ms, subject_ref=ref, **CONTACT))

    mine = [number for number in range(3_100) if number % 31]
    await append(audit.redis, *(call(number, ADA if number % 31 else BOB) for number in range(3_100)))
    await audit.catch_up()

    summary, entries = await reported(audit)

    assert (summary.decisions, dict(summary.contacts)) == (3_000, {"email": 3_000})
    assert [entry.name for entry in entries] == [
        f"decisions/{an_id(number, at_ms=NOW_MS + number // 7 * 20_000)}" for number in mine
    ]


async def test_what_is_no_call_of_its_own_is_not_counted_as_one(audit: Audit) -> None:
    first = an_id(1)
    await append(
        audit.redis,
        about(1, **CONTACT, model="lead-score", version="1"),
        settle(a_settlement(1, arm="spare", version="2")),
        about(2, **CONTACT, standby=True, parent=first, model="lead-score", version="2"),
        settle(a_settlement(2)),
        admit(a_record(3, subject_ref=ADA, **CONTACT), Outcome(granted=True, first=first)),
        about(4, **CONTACT),
        settle(a_settlement(4, status="UNKNOWN", in_doubt=True)),
        about(5, **CONTACT),
        settle(a_settlement(5, status="NOT_FOUND", gave_back=True)),
        {"k": "copy", "r": msgspec.json.encode(a_copy(1, CopyEnd.REFUSED, sent=False))},
    )
    await audit.catch_up()

    summary, entries = await reported(audit)

    assert (summary.decisions, dict(summary.contacts), summary.contacts_in_doubt) == (4, {"email": 2}, 1)
    assert "Of these it is not known whether they reached you: 1." in summary.sentences
    assert [entry.name for entry in entries] == [f"decisions/{an_id(number)}" for number in (1, 3, 4, 5)]
    assert "Version 2 of the model lead-score was used." in entries[0].sentences
    assert (list(entries[0].copies), [entry.repeat for entry in entries]) == ([], [False, True, False, False])
    assert "It repeated an earlier call and got its answer; nothing was done twice." in entries[1].sentences
    assert "Whether it came about is not known." in entries[2].sentences
    assert "It did not come about: the answer was NOT_FOUND." in entries[3].sentences


async def test_what_came_of_a_kept_call_is_told_without_who_decided(audit: Audit) -> None:
    kept: dict[str, Any] = {**CONTACT, "hold": an_id(1)}
    decided: dict[str, Any] = kept | {"parent": an_id(1), "decider": "zoe", "hold_comment": "Bob asked for it"}
    await append(
        audit.redis,
        admit(
            a_record(1, subject_ref=ADA, verdict=Verdict.HOLD, reason="APPROVAL_REQUIRED", **kept),
            Outcome(granted=False),
        ),
        admit(
            a_record(2, subject_ref=ADA, verdict=Verdict.DENY, reason="HOLD_REFUSED", **decided), Outcome(granted=False)
        ),
        admit(
            a_record(3, subject_ref=ADA, verdict=Verdict.DEFER, reason="DEFERRED", **CONTACT), Outcome(granted=False)
        ),
    )
    await audit.catch_up()

    summary, entries = await reported(audit, language_code="fr")

    assert (summary.allowed, summary.refused, summary.kept) == (0, 1, 2)
    said = [" ".join(entry.sentences) for entry in entries]
    assert "Cela a été conservé pour qu’une personne l’examine." in said[0]
    assert "conservé depuis un appel antérieur. Une personne l’avait examiné auparavant." in said[1]
    assert "Cela a été refusé : une personne l’a refusé." in said[1]
    assert "Cela a été remis à plus tard." in said[2]
    assert not any(name in " ".join(said) for name in ("zoe", "Bob", an_id(1)))


async def test_what_is_kept_of_the_person_is_told_with_until_when_and_so_is_what_was_erased(audit: Audit) -> None:
    keys = SubjectKeys(Sealer((b"o" * 32,)))
    said = SealedInputs(an_id(1), NOW_MS + 1, NOW_MS + 5 * 86_400_000, ADA)
    await append(
        audit.redis,
        with_values(1, subject=ADA, keys=keys),
        {"k": "inputs", "r": msgspec.json.encode(said), "i": b"sealed"},
        about(2, keep_days=10),
    )
    await audit.catch_up()

    summary, entries = await reported(audit)

    assert [entry.values_state for entry in entries] == [decision_pb2.VALUES_STATE_SEALED, 0]
    assert [entry.keep_time.ToMilliseconds() - NOW_MS for entry in entries] == [
        183 * 86_400_000 + 1, 10 * 86_400_000 + 2,
    ]  # fmt: skip
    assert (summary.values_kept, summary.inputs_kept) == (1, 1)
    assert summary.inputs_until_time.ToMilliseconds() == said.expires_ms
    assert any(line.startswith("Of 1 decisions it is kept, encrypted,") for line in summary.sentences)
    audit.now_ms = NOW_MS + 86_400_000
    await audit.queries().EraseSubject(
        personal_pb2.EraseSubjectRequest(subject="contacts/ada", tenant="acme", reason="she asked"), None
    )
    summary, entries = await reported(audit)
    assert [entry.values_state for entry in entries] == [decision_pb2.VALUES_STATE_ERASED, 0]
    assert (summary.values_kept, summary.inputs_kept, summary.HasField("inputs_until_time")) == (0, 0, False)
    assert summary.erase_time.ToMilliseconds() == audit.now_ms
    assert "What it was decided by has been erased." in entries[0].sentences


async def test_what_was_refused_before_anybody_knew_whom_it_concerned_is_said_to_be_missing(audit: Audit) -> None:
    refused = a_record(1, verdict=Verdict.DENY, reason="ARGUMENT_INVALID", agent="")
    await append(audit.redis, admit(refused, Outcome(granted=False)))
    await audit.catch_up()
    summary, entries = await reported(audit)
    assert (summary.decisions, entries) == (0, [])
    assert summary.sentences[-1].startswith("Not in here is what was refused before anybody could tell")


def a_copy(number: int, end: CopyEnd, *, sent: bool) -> ShadowResult:
    return ShadowResult(
        id=an_id(number),
        kind="shadow",
        end=end,
        route="r",
        arm="candidate",
        upstream="u",
        received_ms=NOW_MS,
        sent=sent,
    )


@given(
    operation=st.sampled_from(["READ", "WRITE", "CONTACT", "DELETE", "INFER", "", "ODD"]),
    verdict=st.sampled_from(Verdict),
    reason=st.sampled_from(["", *(reason.value for reason in Reason)]),
    standing=st.sampled_from(["granted", "none", "refused", "withdrawn", "expired", "unknown", ""]),
    ended=st.sampled_from(
        [
            None,
            a_settlement(1),
            a_settlement(1, status="UNKNOWN", in_doubt=True),
            a_settlement(1, status="NOT_FOUND"),
            a_settlement(1, status="CANCELLED", reason="CANCELLED"),
        ]
    ),
    values=st.sampled_from(decision_pb2.ValuesState.values()),
    language=st.sampled_from(["en", "fr"]),
)
def test_whatever_happened_is_said_in_whole_sentences_that_name_no_other_call(
    *,
    operation: str,
    verdict: Verdict,
    reason: str,
    standing: str,
    ended: Settlement | None,
    values: "decision_pb2.ValuesState.ValueType",
    language: str,
) -> None:
    other = "f" * 32
    record = a_record(
        1, operation=operation, verdict=verdict, reason=reason, rule="r", channel="sms", purpose="renewal",
        model="lead-score", version="2", lineage=Lineage(model="m", version="1"), parent=other, hold="a" * 32,
        exposures=(Exposure("tone", "warm"),), rules=(RuleLook("r", "deny", standing=standing, since_ms=NOW_MS),),
        buckets=(BucketAsk("cap", "cap", 1, 1),), decider="Zoe", asked_channel="email",
        obligations=(Obligation("r", "reply", "PERSONAL", ("a.b",)), Obligation("r", "request", "", ("c",))),
    )  # fmt: skip
    outcome = Outcome(granted=verdict is Verdict.ALLOW, looks=(BucketLook(1, 5, other),))
    stored = Stored(concluded(record, outcome), record, outcome, ended, (a_copy(1, CopyEnd.AGREED, sent=True),))
    said = entry_sentences(
        stored, told=[an_outcome(1, type=type_) for type_ in ("opened", "odd")], values=values, language=language
    )
    assert [each for each in said if "{" in each or not each.endswith(".")] == []
    assert not any(word in " ".join(said) for word in (other, "Zoe"))


def test_every_text_has_both_languages() -> None:
    for texts in (
        *(person_texts._TEXTS, person_texts._WHY, person_texts._STANDINGS, person_texts._EFFECTS),
        *(person_texts.OUTCOMES, person_totals._TEXTS),
    ):
        assert all(english and french and english != french for english, french in texts.values())
    assert persons.BATCH == 100
