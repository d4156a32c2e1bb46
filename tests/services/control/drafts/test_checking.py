"""What is said of a draft's text, and where."""

import re
from typing import Any

import pytest

from gateway.activation.loading import canonical, load
from gateway.core.policy.document import Document
from services.control.drafts.checking import Remark, checked, loaded
from services.control.drafts.rendering import as_text, block
from tests.policies import demo, policy

TEXT = as_text(load(demo()).document)


def errors(text: str) -> tuple[Remark, ...]:
    found = checked(text, language="en")
    assert not found.good
    return found.remarks


def under(text: str, remark: Remark) -> str:
    """What stands where a remark points."""
    return text.split("\n")[remark.line - 1][remark.column - 1 :]


def test_a_stored_policy_as_text_reads_as_the_same_policy_again() -> None:
    assert canonical(loaded(TEXT)[0].document) == canonical(load(demo()).document)
    assert TEXT.startswith("description: Three agents")
    sections = [line.partition(":")[0] for line in TEXT.splitlines() if line[:1].isalpha()]
    assert sections == [name for name in Document.__struct_encode_fields__ if name in sections]


def test_a_good_text_is_good_and_its_parts_are_counted() -> None:
    found = checked(TEXT, language="en")
    assert found.good
    assert found.complete
    assert found.counts["rules"] == 7


def test_every_mistake_is_told_with_its_line_and_column() -> None:
    text = TEXT.replace("effect: allow", "effect: alow", 1).replace("mode: monitor", "mdoe: monitor", 1)
    effect, mode = errors(text)
    assert under(text, effect) == "alow"
    assert effect.fix == "did you mean 'allow'?"
    assert under(text, mode) == "monitor"
    assert mode.fix == "did you mean 'mode'?"


WHEN = 'agent.labels["a"] == "b" && request.contct != 1'
DEAL = "/pilote.crm.v1.DealService/UpdateDeal"


@pytest.mark.parametrize(
    "written",
    [
        "when: agent.labels[\"a\"] == 'b' && request.del.amount_cents > 1",
        "when: 'agent.labels[\"a\"] == \"it''s\" && request.del.amount_cents > 1'",
        'when: "agent.labels[\\"a\\"] == \\"\\u00e9\\" && request.del.amount_cents > 1"',
        "when: |\n      true &&\n      request.del.amount_cents > 1",
        "when: |-\n\n        request.del.amount_cents > 1",
    ],
)
def test_a_mistake_in_an_expression_is_found_within_it(written: str) -> None:
    text = block(policy(rules=[])).replace(
        "rules: []", f"rules:\n  - name: a\n    methods: [{DEAL}]\n    {written}\n    effect: allow"
    )
    (remark,) = errors(text)
    assert remark.path == "rules[0].when"
    assert under(text, remark).startswith(".del")
    assert "undefined field 'del'" in remark.problem
    assert "did you mean 'deal'?" in remark.fix


def test_rules_that_do_nothing_are_told_in_the_readers_language() -> None:
    rule: dict[str, Any] = {"name": "in-vain", "when": "1 > 2", "effect": "allow"}
    text = as_text(load(policy(rules=[*policy()["rules"], rule])).document)
    (remark,) = checked(text, language="fr").remarks
    assert remark.severity == "warning"
    assert "ne peut jamais s’appliquer" in remark.problem
    assert under(text, remark).startswith("{name: in-vain")
    assert checked(text, language="fr", findings=False).remarks == ()


def test_mistakes_are_told_in_the_readers_language_and_the_place_within_an_expression_is_pointed_at() -> None:
    text = TEXT.replace("effect: allow", "effect: alow\n    when: request.del > 1", 1)
    found = checked(text, language="fr").remarks
    assert {remark.path for remark in found} == {"rules[0].effect", "rules[0].when"}
    for remark in found:
        assert not re.search(r"did you mean|line|undefined|choices", remark.problem + remark.fix)
    when = next(remark for remark in found if remark.path == "rules[0].when")
    assert "champ «\N{NARROW NO-BREAK SPACE}del" in when.problem
    assert under(text, when).startswith(".del")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "before a quote or bracket is closed"),
        ("a: 1\na: 2\n", "the field 'a' stands here twice"),
        ("[" * 200_000, "is nested too deeply"),
        ("- " * 3_000 + "x", "is nested too deeply"),
        ("", "required field 'agents' is missing"),
        ("just a text", "expected a mapping, got a text"),
        ("contracts: [{descriptor_set_file: /etc/passwd}]", "no file can be read from here"),
        ("issuers: [{jwks_file: ../secret.json}]", "no file can be read from here"),
        ("packs: [{file: /etc/passwd}]", "no file can be read from here"),
        ("packs: [{name: fr-telefone, version: '1'}]", "no pack 'fr-telefone' comes with Pilote"),
        ("\x00", "the sign U+0000 cannot stand in YAML"),
    ],
)
def test_a_text_that_is_no_policy_is_refused_with_words(text: str, problem: str) -> None:
    assert problem in errors(text)[0].problem


def test_mistakes_in_a_pack_name_the_pack_and_no_place_in_the_text() -> None:
    text = TEXT.replace("packs:", "unpacked:", 1) + "packs:\n  - {name: fr-telephone, version: '1.0'}\n"
    assert all(remark.file == "" or remark.line == 0 for remark in errors(text))
