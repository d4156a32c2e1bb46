"""From decisions as the log has them to suites: what people have found wrong is put into what stands there already."""

import pytest
import yaml

from pilote.decision.v1 import decision_pb2
from services.control.probes.evidence import name_for, recorded_of, text_for, with_review
from services.findings.finding import found
from services.probes.reading import SuiteInvalid, read
from tests.policies import SEND, revision
from tests.services.findings.test_finding import seen

POLICY = revision()
SUBJECT = "0123456789abcdef0123456789abcdef"


def decision(number: int = 1, **more: object) -> decision_pb2.Decision:
    made = decision_pb2.Decision(
        name=f"decisions/{number:032x}",
        tenant="acme",
        agent="bot",
        method=SEND,
        subject_ref=SUBJECT,
        contact_ref="f" * 32,
        channel="email",
        category="marketing",
        verdict=decision_pb2.VERDICT_DENY,
        reason="POLICY_DENIED",
        conversation="thread 7",
    )
    made.receive_time.FromMilliseconds(1_790_000_000_123)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def review(text: str | None, number: int = 1, verdict: str = "ALLOW") -> str:
    after = with_review(text, decision(number), POLICY, named=f"review-{number}", verdict=verdict, language="fr")
    assert after is not None
    return after


def test_a_suite_of_a_finding_holds_no_pseudonym_and_is_always_called_the_same() -> None:
    finding = found(None, seen(kind="adding-up", about=(("subject", SUBJECT), ("method", SEND))), now_ms=0)
    text = text_for(finding, [decision(), decision(2)], POLICY, of="findings/acme/x", language="en")
    assert text is not None
    assert SUBJECT not in text
    assert "f" * 32 not in text
    assert "thread 7" not in text
    assert "findings/acme/x" in yaml.safe_load(text)["description"]
    assert read(text).name == name_for(finding)
    assert read(text).bases["call-1"].at == "2026-09-21T14:13:20Z"


def test_consents_are_taken_from_what_was_looked_at() -> None:
    one = decision()
    one.rules.add(rule="consent", effect="deny", standing="withdrawn")
    assert recorded_of(one).consents == {"email": False}
    one.rules[0].standing = "granted"
    assert recorded_of(one).consents == {"email": True}
    one.rules[0].standing = "unknown"
    assert recorded_of(one).consents == {}


@pytest.mark.parametrize(
    "laid_out",
    [
        pytest.param(lambda text: text, id="as it was made"),
        pytest.param(lambda text: text.replace("probes:\n", "# What people want\nprobes:\n"), id="with a comment"),
        pytest.param(lambda text: str(yaml.safe_dump(yaml.safe_load(text), default_flow_style=True)), id="in one line"),
    ],
)
def test_each_review_adds_one_probe_and_leaves_what_people_have_written(laid_out: object) -> None:
    assert callable(laid_out)
    first = laid_out(review(None))
    after = review(review(first, 2, "HOLD"), 2, "HOLD")
    suite = read(after, named="reviews")
    assert [each.name for each in suite.probes] == ["review-1", "review-2"]
    assert set(suite.bases) == {"review-1", "review-2"}
    assert review(after, 1) == after
    if "# What" in first:
        assert "# What people want" in after


def test_into_what_has_mistakes_nothing_is_put() -> None:
    with pytest.raises(SuiteInvalid):
        review("suite: reviews\nbases: 3\n")
    assert with_review(None, decision(agent=""), POLICY, named="a", verdict="ALLOW", language="en") is None
