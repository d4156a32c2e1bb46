"""Probes out of a sentence: they pass with it, and fail once it is taken out or says something else."""

from typing import Any

import pytest

from gateway.core.revision.decode import PolicyInvalid
from services.control.drafts.checking import loaded
from services.control.drafts.edits import Edit, EditRefused, edited
from services.control.drafts.probing import suite_for
from services.control.drafts.rendering import block
from services.control.drafts.sentences import put, understood
from services.control.drafts.store import DraftProblem
from services.probes.policies import Policy
from services.probes.reading import read
from services.probes.running import run
from tests.e2e.policy import allow_all, policy

PLAIN = block(policy("127.0.0.1:1", rules=[allow_all()]))
SAID = (
    ("Never more than 2 marketing messages by any channel in 7 days to vip customers, except transactional", 5),
    ("Jamais plus de 1 message par SMS en 1 jour", 4),
    ("Never more than 0 messages by phone in a calendar week", 3),
    ("Never more than 3 messages by any channel in a calendar month; what is too much is shown to a person", 3),
    ("At least 4 hours between two marketing messages by any channel", 2),
    ("Never contact vip customers outside gold whose tier is “low” by phone for marketing", 6),
    ("Ask a person before agents contact any customer for the purpose survey when asked by sales-bot", 2),
    ("Only sales-bot may contact vip customers", 2),
)


def passes(text: str, suite: str) -> set[str]:
    """The probes that hold under a policy."""
    report = run(read(suite), Policy(loaded(text)[0], name="draft"))
    return {each.probe for each in report.results if each.state == "passed"}


@pytest.mark.parametrize(("said", "fewest"), SAID)
def test_the_suite_of_a_sentence_passes_with_it_and_fails_without_it(said: str, fewest: int) -> None:
    sentence = understood(said, language="fr" if said.startswith("Jamais") else "en")
    text, section, part = put(PLAIN, sentence, named="said")
    name, suite = suite_for(text, section, part, language="en")
    probes = {each.name for each in read(suite, named=name).probes}
    assert len(probes) >= fewest
    assert passes(text, suite) == probes
    without = passes(edited(text, [Edit(kind="remove", section=section, name=part)]), suite)
    assert without < probes
    assert suite_for(text, section, part, language="en") == (name, suite)


def test_a_cap_that_is_raised_by_one_no_longer_passes() -> None:
    caps: list[dict[str, Any]] = [{"name": "weekly", "max": 2, "window": "7d", "by": []}]
    text = block(policy("127.0.0.1:1", caps=caps))
    _, suite = suite_for(text, "caps", "weekly", language="fr")
    failing = {each.name for each in read(suite).probes} - passes(text.replace("max: 2", "max: 3"), suite)
    assert failing == {"at-the-limit"}
    failing = {each.name for each in read(suite).probes} - passes(text.replace("max: 2", "max: 1"), suite)
    assert failing == {"just-below"}


def test_what_single_calls_do_not_show_or_others_decide_already_makes_no_suite() -> None:
    watched = understood("Never contact vip customers, for now only observed", language="en")
    text, section, part = put(PLAIN, watched)
    never = understood("Never contact any customer", language="en")
    shut, *_ = put(PLAIN, never, named="shut")
    inside, *place = put(shut, understood("Never contact vip customers", language="en"), named="vip")
    for where, *about in ((text, section, part), (inside, *place)):
        with pytest.raises(DraftProblem):
            suite_for(where, *about, language="en")
    for about in (["caps", "none"], ["routes", "crm"]):
        with pytest.raises(EditRefused):
            suite_for(PLAIN, *about, language="en")
    with pytest.raises(PolicyInvalid):
        suite_for("agents: 3", "caps", "a", language="en")
