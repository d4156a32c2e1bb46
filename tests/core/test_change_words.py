"""Changes of a policy in words."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given

from gateway.activation.loading import load
from gateway.core.change_texts import NOUNS
from gateway.core.change_words import all_in_words, in_words, percent
from gateway.core.changes import changes
from gateway.core.policy.document import Document
from gateway.core.texts import LANGUAGES, placeholders
from tests.core.documents import documents
from tests.examples import thoroughly
from tests.policies import agent, demo, policy

_DEMO = demo()


def told(change: Callable[[Any], object], *, language: str = "en") -> str:
    """What is said of the demonstration's policy once it is changed."""
    data = copy.deepcopy(_DEMO)
    change(data)
    return " ".join(all_in_words(changes(load(_DEMO).document, load(data).document), language))


def named(data: Any, section: str, name: str) -> Any:
    """The part of that name."""
    return next(part for part in data[section] if part["name"] == name)


def test_weights_of_a_route_are_told_in_percent_and_that_they_move_people() -> None:
    def shift(data: Any) -> None:
        champion, challenger = named(data, "routes", "scoring")["arms"]
        champion["weight"], challenger["weight"] = 6_750, 3_250

    assert told(shift) == (
        "Changes the route scoring: champion serves 67.5 % instead of 70 %, challenger serves 32.5 % instead of 30 %. "
        "People change from one variation to another."
    )
    assert told(shift, language="fr").startswith("Modifie la route scoring : champion sert 67,5 % au lieu de 70 %")


def test_a_cap_is_told_with_its_window_and_whether_it_is_tighter() -> None:
    def lower(data: Any) -> None:
        named(data, "caps", "marketing-pressure")["max"] = 1

    assert told(lower) == (
        "Changes the cap marketing-pressure: at most 1 contact(s) within 7 d, "
        "instead of at most 2 contact(s) within 7 d. "
        "It lets less through than before. People who may be contacted change."
    )
    assert "Moins d’appels passent qu’avant." in told(lower, language="fr")


def test_a_limit_that_is_lifted_is_unlimited_and_lets_more_through() -> None:
    def lift(data: Any) -> None:
        named(data, "limits", "tenant-rate")["rate"] = None

    assert told(lift) == (
        "Changes the limit tenant-rate: any number of calls per 1 s, instead of at most 5000 calls per 1 s. "
        "It lets more through than before."
    )


def test_a_rule_is_told_by_its_effect_condition_and_mode() -> None:
    def add(data: Any) -> None:
        data["rules"].append(
            {"name": "no-mail", "effect": "deny", "when": 'call.channel == "email"', "mode": "monitor"}
        )

    def change(data: Any) -> None:
        rule = named(data, "rules", "watch-executives")
        rule["mode"], rule["effect"] = "enforce", "hold"

    assert told(add) == ('Adds the rule no-mail: it refuses where call.channel == "email", it is only watched.')
    assert told(change) == (
        "Changes the rule watch-executives: it has a person look first, instead of it refuses, "
        "it is enforced, and no longer only watched."
    )


def test_a_new_agent_and_a_new_key_are_told_and_never_the_hash() -> None:
    other = "f" * 64

    def add(data: Any) -> None:
        data["agents"].append(agent("new-bot", sha256=other))

    def rotate(data: Any) -> None:
        data["agents"][0]["keys"] = [{"id": "fresh", "sha256": other}]

    def replace(data: Any) -> None:
        data["agents"][0]["keys"][0]["sha256"] = other

    assert told(add) == "Adds the agent new-bot: it may call for acme."
    assert told(rotate) == "Changes the agent import-bot: its key demo no longer counts, it gets the key fresh."
    assert told(replace) == "Changes the agent import-bot: its key demo is another one."


def test_the_version_of_an_alias_is_told() -> None:
    def models(version: str) -> Any:
        data = copy.deepcopy(_DEMO)
        data["models"][0]["aliases"] = {"champion": version}
        return data

    (change,) = changes(load(models("1")).document, load(models("2")).document)
    assert in_words(change, "en") == ("Changes the model lead-score: @champion stands for version 2 instead of 1.",)
    assert in_words(change, "fr") == ("Modifie le modèle lead-score : @champion désigne la version 2 au lieu de 1.",)


def test_whoever_changes_holdouts_or_quiet_hours_is_told_that_people_who_may_be_contacted_change() -> None:
    def quiet(data: Any) -> None:
        hours = {"name": "nights", "open": [{"from": "08:00", "to": "20:00"}], "zone": "Europe/Paris"}
        data["quiet_hours"] = [*data.get("quiet_hours", ()), hours]

    def hold_out(data: Any) -> None:
        data["holdouts"] = [{"name": "silent", "share": 500}]

    assert told(quiet) == "Adds the quiet hours nights. People who may be contacted change."
    assert told(hold_out, language="fr") == (
        "Ajoute le groupe témoin silent. Les personnes qui peuvent être sollicitées changent."
    )


def test_an_experiment_moves_people_by_its_weights_and_nobody_as_its_coverage_grows() -> None:
    def document(*, first: int = 5_000, coverage: int = 1_000) -> Document:
        arms = [{"name": "control", "weight": first}, {"name": "warm", "weight": 10_000 - first}]
        part = {"name": "tone", "arms": arms, "coverage": coverage, "route": "crm"}
        return load(policy(experiments=[part])).document

    weights = all_in_words(changes(document(), document(first=4_000)), "en")
    assert weights[1:] == ("People change from one variation to another.",)
    grown = all_in_words(changes(document(), document(coverage=2_000)), "en")
    assert grown == (
        "Changes the experiment tone: coverage is 2000 instead of 1000.",
        "Nobody who takes part changes the variation.",
    )


def test_a_route_that_moves_is_told_with_what_that_means() -> None:
    def move(data: Any) -> None:
        data["routes"].reverse()

    assert "A call takes the first route that matches" in told(move)
    assert "behind" in told(move) or "to the front" in told(move)


def test_a_field_that_nobody_has_words_for_is_told_by_its_path() -> None:
    def change(data: Any) -> None:
        data["upstreams"][0]["timeout"] = "20s"
        named(data, "rules", "watch-executives")["description"] = ""

    assert told(change) == (
        "Changes the upstream crm: timeout is 20s instead of 10s. "
        "Changes the rule watch-executives: description is nothing instead of Would keep agents away from executives; "
        "for now it only watches how often that would happen."
    )


@given(documents(), documents())
@thoroughly(15, suppress_health_check=list(HealthCheck))
def test_every_change_is_told_in_both_languages_without_a_gap_or_a_hash(old: Document, new: Document) -> None:
    for change in changes(old, new):
        for language in LANGUAGES:
            sentences = in_words(change, language)
            assert sentences and all(sentence.endswith(".") for sentence in sentences)  # noqa: PT018
            assert change.place.name in sentences[0]
            assert not any("a" * 64 in sentence or "b" * 64 in sentence for sentence in sentences)
            assert not {"what", "new", "old", "arm", "path"} & set(placeholders(" ".join(sentences)))


def test_every_section_has_a_noun() -> None:
    assert set(Document.__struct_fields__) <= set(NOUNS)


@pytest.mark.parametrize(
    ("share", "english", "french"), [(0, "0 %", "0 %"), (1, "0.01 %", "0,01 %"), (10_000, "100 %", "100 %")]
)
def test_shares_are_told_as_people_read_them(share: int, english: str, french: str) -> None:
    assert (percent(share, "en"), percent(share, "fr")) == (english, french)
