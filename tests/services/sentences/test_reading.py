"""Parts that people wrote by hand are read where they say what a sentence can; of the others it is told why not."""

from typing import Any

import pytest

from services.sentences.engine import engine
from services.sentences.reading import Read, Unsaid, read
from services.sentences.saying import say
from services.sentences.writing import write
from tests.policies import demo


def rule(when: str, effect: str = "deny", **more: Any) -> dict[str, Any]:
    return {"name": "one", "operations": ["CONTACT"], "when": when, "effect": effect, **more}


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ('"vip" in facts.segments && call.channel == "phone"', "vip customers by phone"),
        ('call.channel in ["phone"] && ("vip" in facts.segments)', "vip customers by phone"),
        ("'phone' == call.channel && facts.segments.size() >= 0", None),
        ('"gold" in facts.segments || "vip" in facts.segments', "gold or vip customers"),
        ('!("gold" in facts.segments || "vip" in facts.segments)', "any customer outside gold or vip"),
        ('!(!("vip" in facts.segments))', "vip customers"),
        ('has(facts.traits.tier) && facts.traits.tier == "gold"', "any customer whose tier is “gold”"),
        ('facts.traits["tier"] == "gold" && "tier" in facts.traits', "any customer whose tier is “gold”"),
        ('facts.traits["tier"] == "gold"', "any customer whose tier is “gold” or is unknown"),
        ('facts.traits["tier"] != "gold"', "any customer whose tier is not “gold”"),
        ('!(has(facts.traits.tier) && facts.traits.tier in ["a", "b"])', "any customer whose tier is not “a” or “b”"),
        ('0.5 < facts.scores["churn"] && has(facts.scores.churn)', "any customer with churn above 0.5"),
        ("!facts.consents[call.channel]", "any customer without a consent to the channel"),
        ("facts.consents[call.channel] == false", "any customer without a consent to the channel"),
        ("facts.pressure > 3.5", "any customer with a contact pressure above 3.5"),
        ("facts.pressure >= 3.5", None),
        ('!(agent.name in ["a", "b"])', "Only a or “b” may"),
        ('agent.name != "sales-bot"', "Only sales-bot may contact any customer"),
        ('agent.labels["access"] != "contact"', "Only agents whose access is “contact” may contact any customer"),
        ('call.category == "marketing" && call.category == "service"', None),
        ('"a" in facts.segments && "b" in facts.segments', None),
        ("now.getHours() < 9", None),
        ("request.deal.amount_cents > 10000000", "when the request has deal.amount_cents above 10000000"),
        ('has(facts.traits.tier) && facts.traits.tier != "gold"', None),
        ("has(facts.traits.tier)", None),
        ('call.channel == "phone" ? true : false', None),
        ("nothing.at.all", None),
        ("true", "Never contact any customer."),
    ],
)
def test_a_condition_is_read_whatever_its_order_and_spelling(when: str, said: str | None) -> None:
    found = read("rules", rule(when), engine=engine())
    if said is None:
        assert isinstance(found, Unsaid)
        assert when in found.why("en")
        assert when in found.why("fr")
    else:
        assert isinstance(found, Read)
        assert said.replace("a or “b”", "“a” or b") in say(found.sentence, "en")


@pytest.mark.parametrize("effect", ["allow", "hold"])
@pytest.mark.parametrize(
    "when", ['facts.traits["tier"] == "gold"', "!facts.consents[call.channel]", 'agent.name != "a"']
)
def test_what_fails_where_something_is_unknown_is_read_of_denials_alone(effect: str, when: str) -> None:
    assert isinstance(read("rules", rule(when, effect), engine=engine()), Unsaid)


def test_a_label_that_every_agent_has_need_not_be_asked_for() -> None:
    when = 'agent.labels["access"] == "read"'
    assert isinstance(read("rules", rule(when, "allow"), engine=engine()), Unsaid)
    assert isinstance(read("rules", rule(when, "allow"), engine=engine(), labels=["access"]), Read)


@pytest.mark.parametrize(
    ("section", "part", "code"),
    [
        ("rules", rule("true", on_error="allow"), "fields"),
        ("rules", {"name": "one"}, "mistake"),
        ("rules", "nothing", "mistake"),
        ("routes", {"name": "one"}, "section"),
        ("caps", {"name": "a", "max": 2, "window": "7d", "min_gap": "1h"}, "both"),
        ("caps", {"name": "a", "max": None}, "nothing"),
        ("caps", {"name": "a", "max": 2}, "fields"),
        ("caps", {"name": "a", "max": 2, "window": "7d", "on_exceed": "downgrade", "downgrade_to": "sms"}, "fields"),
        ("caps", {"name": "a", "max": 2, "window": "7d", "by": ["topic", "channel"]}, "value"),
        ("limits", {"name": "a", "by": ["agent"], "max": 5, "window": "1h", "key": "call.model"}, "fields"),
        ("limits", {"name": "a", "by": ["agent"], "rate": None}, "nothing"),
        ("quiet_hours", {"name": "a", "open": [{"days": ["mon"], "from": "09:00", "to": "10:00"},
                                               {"days": ["tue"], "from": "09:00", "to": "11:00"}]}, "hours"),
        ("sequences", {"name": "a", "key": "call.model", "first": {}, "then": {}, "within": "1h"}, "fields"),
        ("sequences", {"name": "a", "by": "subject", "first": {"when": "true"}, "then": {}, "within": "1h"}, "fields"),
    ],
)  # fmt: skip
def test_what_no_sentence_says_is_not_read_and_it_is_told_why(section: str, part: Any, code: str) -> None:
    found = read(section, part, engine=engine())
    assert isinstance(found, Unsaid)
    assert found.code == code
    assert {found.why("en"), found.why("fr")}.isdisjoint({""})


def test_the_demonstrations_policy_can_be_said_whole() -> None:
    policy = demo()
    labels = set.intersection(*(set(agent["labels"]) for agent in policy["agents"]))
    sections = ("rules", "limits", "caps", "quiet_hours", "consents")
    for section in sections:
        for part in policy[section]:
            found = read(section, part, engine=engine(), labels=labels)
            assert isinstance(found, Read), (part, found)
            over = write(found.sentence, name=part["name"], over=part)
            again = read(section, over.part, engine=engine(), labels=labels)
            assert again == found, "what it does not say stays"


def test_what_a_sentence_does_not_say_stays_when_it_changes_but_not_what_belongs_to_another_effect() -> None:
    old = rule("true", message={"en": "No.", "fr": "Non."}, reason="CONSENT_MISSING", description="d")
    found = read("rules", old, engine=engine())
    assert isinstance(found, Read)
    assert set(found.besides) == {"description", "message", "reason"}
    assert write(found.sentence, name="one", over=old).part == {key: old[key] for key in old if key != "when"}
    held = read("rules", rule("true", "hold"), engine=engine())
    assert isinstance(held, Read)
    assert "reason" not in write(held.sentence, name="one", over=old).part
