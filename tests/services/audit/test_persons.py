"""A report about one person: all that concerns them and nobody else, in numbers and in words, and who asked for it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.conclusion import concluded
from gateway.core.call import Lineage
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import BucketAsk, BucketLook, Exposure, Outcome, RuleLook, Verdict, subject_ref
from gateway.core.shadows import CopyEnd, ShadowResult
from pilote.audit.v1 import persons_pb2
from services.audit import person_texts, persons
from services.audit.person_texts import entry_sentences
from services.audit.personal import ReportNote
from tests.services.audit.conftest import KEY, NOW_MS, Audit, a_record, a_settlement, admit, append, settle, told
from tests.services.audit.test_outcomes import an_outcome
from tests.services.audit.test_personal import notes

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
    assert summary.sentences[-1] == "Nothing is recorded about you."
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


@given(
    st.sampled_from(["READ", "WRITE", "CONTACT", "DELETE", "INFER", "", "ODD"]),
    st.sampled_from(Verdict),
    st.sampled_from(["", *(reason.value for reason in Reason)]),
    st.sampled_from(["granted", "none", "refused", "withdrawn", "expired", "unknown", ""]),
    st.sampled_from(["en", "fr"]),
)
def test_whatever_happened_is_said_in_whole_sentences_that_name_no_other_call(
    operation: str, verdict: Verdict, reason: str, standing: str, language: str
) -> None:
    other = "f" * 32
    record = a_record(
        1, operation=operation, verdict=verdict, reason=reason, rule="r", channel="sms", purpose="renewal",
        model="lead-score", version="2", lineage=Lineage(model="m", version="1"),
        exposures=(Exposure("tone", "warm"),), rules=(RuleLook("r", "deny", standing=standing, since_ms=NOW_MS),),
        buckets=(BucketAsk("cap", "cap", 1, 1),), decider="Zoe",
    )  # fmt: skip
    outcome = Outcome(granted=verdict is Verdict.ALLOW, looks=(BucketLook(1, 5, other),))
    copy = ShadowResult(
        id="1" * 32, kind="shadow", end=CopyEnd.AGREED, route="r", arm="candidate", upstream="u", received_ms=NOW_MS
    )
    said = entry_sentences(
        record, concluded(record, outcome), a_settlement(1), copies=(copy,),
        told=[an_outcome(1, type=type_) for type_ in ("opened", "odd")], language=language,
    )  # fmt: skip
    assert [each for each in said if "{" in each or not each.endswith(".")] == []
    assert not any(word in " ".join(said) for word in (other, "Zoe"))


def test_every_text_has_both_languages() -> None:
    for texts in (person_texts._TEXTS, person_texts._WHY, person_texts._STANDINGS, person_texts._OUTCOMES):
        assert all(english and french and english != french for english, french in texts.values())
    assert persons.BATCH == 100
