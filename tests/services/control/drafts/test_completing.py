"""What may stand where somebody types in a policy: told from a text that need not be YAML yet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.control.drafts.completing import completed
from tests.e2e.policy import DEMO

HEAD = """agents:
  - name: sales-bot
    tenant: acme
  - name: news-bot
    tenant: acme
upstreams:
  - {name: crm, address: "127.0.0.1:1"}
routes:
  - name: main
    methods: ["/pilote.crm.v1.*"]
"""


def at(text: str) -> tuple[str, list[str]]:
    """What is typed already, and what may stand where the text has "¦"."""
    before, _, after = text.partition("¦")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    found = completed(before + after, line=line, column=column)
    return before.split("\n")[-1][found.column - 1 :], [item.label for item in found.items]


@pytest.mark.parametrize(
    ("typed", "already", "wanted"),
    [
        ("ru¦", "ru", ["rules"]),
        ("rules:\n  - name: a\n    effe¦", "effe", ["effect"]),
        ("rules:\n  - name: a\n    effect: a¦", "a", ["allow", "redact"]),
        ("rules:\n  - {name: a, effect: d¦}", "d", ["deny", "hold", "redact"]),
        ("rules:\n  - name: a\n    message:\n      ¦\n    effect: deny", "", ["en", "fr"]),
        ("rules:\n  - name: a\n    operations: [READ, CON¦]", "CON", ["CONTACT"]),
        ("rules:\n  - name: a\n    methods: [/pilote.crm.v1.DealService/U¦]", "/pilote.crm.v1.DealService/U",
         ["/pilote.crm.v1.DealService/UpdateDeal"]),
        ("routes2:\n  - name: x\n    ar¦", "ar", []),
        ("experiments:\n  - name: x\n    route: m¦", "m", ["main"]),
        ("limits:\n  - name: x\n    calendar: {unit: w¦", "w", ["week"]),
        ("limits:\n  - name: x\n    quota:\n      used: {hea¦", "hea", ["header"]),
        ("autonomy:\n  CON¦", "CON", ["CONTACT"]),
        ("autonomy:\n  CONTACT: sug¦", "sug", ["suggest"]),
        ("packs:\n  - {name: fr-t¦", "fr-t", ["fr-telephone"]),
    ],
)  # fmt: skip
def test_keys_values_and_names_are_completed(typed: str, already: str, wanted: list[str]) -> None:
    found, labels = at(HEAD + typed)
    assert found == already
    assert labels[: len(wanted)] == wanted
    assert wanted or not labels


def test_a_key_that_is_there_is_not_offered_again() -> None:
    _, labels = at(HEAD + "rules:\n  - name: a\n    ¦\n    effect: deny\n  - name: b\n    mode: monitor\n")
    assert "mode" in labels
    assert not {"name", "effect"} & set(labels)


@pytest.mark.parametrize(
    ("expression", "already", "wanted"),
    [
        ("agent.la¦", "la", ["labels"]),
        ("true && ca¦", "ca", ["call"]),
        ("request.deal.amo¦", "amo", ["amount_cents"]),
        ("facts.consents[call.channel] || facts.seg¦", "seg", ["segments"]),
        ("facts.segments.ex¦", "ex", ["exists", "exists_one"]),
        ("now.getH¦", "getH", ["getHours"]),
        ("call.subject.starts¦", "starts", ["startsWith"]),
        ("agent.name == \"s¦", "s", ["sales-bot", "news-bot"]),
        ("call.operation in [\"READ\", \"C¦", "C", ["CONTACT"]),
        ("request.nothing.here.¦", "", []),
        ("1.¦", "", []),
    ],
)  # fmt: skip
def test_words_of_expressions_are_completed_by_what_the_methods_are_asked_with(
    expression: str, already: str, wanted: list[str]
) -> None:
    rule = f"rules:\n  - name: a\n    methods: [/pilote.crm.v1.DealService/UpdateDeal]\n    when: {expression}\n"
    found, labels = at(HEAD + rule)
    assert found == already
    assert labels[: len(wanted)] == wanted
    assert wanted or not labels


def test_an_expression_over_several_lines_is_completed_too() -> None:
    assert at(HEAD + "rules:\n  - name: a\n    when: |\n      true &&\n      call.cat¦\n") == ("cat", ["category"])


def test_a_condition_that_is_asked_before_the_route_is_known_sees_none() -> None:
    assert "route" not in at(HEAD + "experiments:\n  - name: a\n    route: main\n    when: ro¦")[1]
    assert "route" in at(HEAD + "rules:\n  - name: a\n    when: ro¦")[1]


@given(st.data())
@settings(max_examples=60)
def test_nothing_that_is_typed_anywhere_makes_it_fail(data: st.DataObject) -> None:
    text = DEMO.read_text()
    cut = data.draw(st.integers(0, len(text)))
    typed = data.draw(st.text("abc.[]{}:,'\"- \n#|&é😀=", max_size=8))
    before = text[:cut] + typed
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    found = completed(before + text[cut:], line=line, column=column)
    assert 1 <= found.column <= column


REST = (
    HEAD
    + """rest:
  - name: vendor
    hosts: [api.vendor.example]
    methods:
      - {name: contacts.get, verb: GET, path: "/c/{id}", operation: READ}
ratelimit:
  - name: edge
    descriptors: [{name: api, entries: [{key: api}], agent: sales-bot}]
"""
)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("rules:\n  - name: a\n    methods: [rest/¦]", ["/rest/vendor/*", "/rest/vendor/contacts.get"]),
        ("limits:\n  - name: a\n    methods: [/ratelimit¦]", ["/ratelimit/edge/*", "/ratelimit/edge/api"]),
        ('rules:\n  - name: a\n    when: call.method == "/rest¦', ["/rest/vendor/contacts.get"]),
    ],
)
def test_methods_of_plain_http_and_of_descriptors_are_among_the_names(typed: str, wanted: list[str]) -> None:
    assert sorted(at(REST + typed)[1]) == wanted


def test_a_section_that_is_typed_in_names_no_methods_and_hinders_no_other() -> None:
    broken = REST.replace("descriptors: [{", "descriptors: [{{") + "rules:\n  - name: a\n    methods: [/rest¦]"
    assert sorted(at(broken)[1]) == ["/rest/vendor/*", "/rest/vendor/contacts.get"]
