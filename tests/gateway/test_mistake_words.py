"""Every mistake of a policy has words in both languages, whatever is wrong with it and wherever it is found."""

import ast
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation.loading import load
from gateway.adapters.policy_files import read_text
from gateway.core.mistakes import Told, Value, told
from gateway.core.revision.check import check
from gateway.core.revision.decode import Mistake, Mistakes, PolicyInvalid, decode
from gateway.core.rule_mistakes import RuleMistake
from gateway.core.rules import RuleEngine
from gateway.core.texts import LANGUAGES, placeholders
from gateway.messages.contracts import ContractBook
from gateway.mistakes.saying import MISTAKES, PHRASES, words
from tests.policies import demo, policy

FOLDER = Path(__file__).parent
TEXTS = yaml.safe_load((FOLDER / "mistaken_texts.yaml").read_text(encoding="utf-8"))
CONDITIONS = yaml.safe_load((FOLDER / "mistaken_conditions.yaml").read_text(encoding="utf-8"))
GET_CONTACT = "/pilote.crm.v1.ContactService/GetContact"
SOURCES = sorted((FOLDER.parents[1] / "gateway").rglob("*.py"))
BOOK = ContractBook((), Mistakes())
ENGINE = RuleEngine(BOOK.environments, BOOK.message_class)
CALLS = {"told": 0, "add": 1, "NoField": 0}
"""What reports a mistake or makes a phrase, and which of its arguments is the code."""
BREAKING = re.compile(r" [:;?!»]|« ")
ENGLISH = re.compile(r"\b(the|is|are|write|expected|cannot|of the|must|with|this)\b", re.IGNORECASE)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def mistakes_in(text: str) -> tuple[Mistake, ...]:
    try:
        data, lines = read_text(text)
        load(data, lines=lines)
    except PolicyInvalid as invalid:
        return invalid.mistakes
    raise AssertionError(f"{text!r} is a policy")


def codes_of(what: Told) -> Iterator[str]:
    yield what.code
    values: list[Value] = list(what.values.values())
    while values:
        value = values.pop()
        if isinstance(value, Told):
            yield from codes_of(value)
        elif isinstance(value, tuple):
            values += value


def well_worded(mistake: Mistake) -> None:
    for language in LANGUAGES:
        for text in words(mistake, language=language):
            assert text
            assert "{hint}" not in text
            assert "{scope}" not in text
    assert words(mistake, language="fr") != words(mistake, language="en")


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case["text"][:40])
def test_a_text_that_is_no_policy_is_told_with_its_place_in_both_languages(case: dict[str, Any]) -> None:
    mistake = mistakes_in(case["text"])[0]
    assert [mistake.line, mistake.column] == case["place"]
    for language in LANGUAGES:
        assert list(map(plain, words(mistake, language=language))) == case[language]


@pytest.mark.parametrize("case", CONDITIONS, ids=lambda case: case["when"][:40])
def test_what_the_engine_says_of_a_condition_is_told_in_both_languages(case: dict[str, Any]) -> None:
    rule = {"name": "a", "effect": "deny", "methods": [GET_CONTACT], "when": case["when"]}
    with pytest.raises(PolicyInvalid) as caught:
        load(policy(rules=[rule]))
    mistake = caught.value.mistakes[0]
    assert (mistake.path, list(mistake.at)) == ("rules[0].when", case["at"])
    for language in LANGUAGES:
        found = words(mistake, language=language, placed=False)
        assert plain(found.problem) == case[language].format("pilote.crm.v1.GetContactRequest")
        assert GET_CONTACT in found.fix


def test_where_it_is_within_an_expression_is_said_unless_somebody_points_there() -> None:
    mistake = Mistake("rules[0].when", Told("expression-end", {"fix": ""}), at=(2, 7))
    assert words(mistake, language="en").problem == "line 2, column 7: it ends too early"
    assert plain(words(mistake, language="fr").problem) == "ligne 2, colonne 7 : l’expression se termine trop tôt"
    assert words(mistake, language="fr", placed=False).problem == "l’expression se termine trop tôt"


def test_every_code_in_the_gateway_has_words_and_no_words_are_left_over() -> None:
    used = {
        node.value
        for source in SOURCES
        if source.parent.name != "mistakes"
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    called = {code for source in SOURCES for code in _codes_called(source)}
    made = re.compile("cel-|length-|bound-|of-|none-|by-|for-|kind-")  # put together of a part and what is found
    assert called - set(MISTAKES) - set(PHRASES) == {"and", "either"}
    assert {code for code in (*MISTAKES, *PHRASES) if code not in used and not made.match(code)} == set()
    assert not set(MISTAKES) & set(PHRASES)


def _codes_called(source: Path) -> Iterator[str]:
    """The codes that a module reports, where they are written out."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        about = isinstance(node.func, ast.Name) or "mistakes" in ast.unparse(node.func)
        place = CALLS.get(name, -1) if about else -1
        code = node.args[place] if 0 <= place < len(node.args) else None
        if isinstance(code, ast.Constant):
            yield str(code.value)


@pytest.mark.parametrize("code", [*MISTAKES, *PHRASES])
def test_both_languages_fill_in_the_same_and_french_is_french(code: str) -> None:
    for english, french in MISTAKES[code] if code in MISTAKES else [PHRASES[code]]:
        assert sorted(placeholders(english)) == sorted(placeholders(french))
        if not re.fullmatch(r"[{}\w\s:;.()]*|null", english):
            assert french != english or code == "none"
        if english != french:
            quoted = re.sub(r"`[^`]*`|\"[^\"]*\"|\{[^}]*\}", "", french)
            assert not ENGLISH.search(quoted)
            assert "'" not in quoted


def test_french_has_its_no_break_spaces() -> None:
    for mistake in mistakes_in("agents: [{name: Bot, lables: {}}]\nrules: 7\nroutes: [{name: a, effect: alow}]"):
        for text in words(mistake, language="fr"):
            assert not BREAKING.search(text)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.data())
def test_whatever_is_wrong_with_a_policy_is_told_in_both_languages(data: st.DataObject) -> None:
    document = demo()
    place: Any = document
    for _ in range(data.draw(st.integers(0, 4), label="depth")):
        inner = place[data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))]
        if not isinstance(inner, dict | list) or not inner:
            break
        place = inner
    where = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[where] = data.draw(JSON_LIKE)
    mistakes = Mistakes()
    check(decode(document, mistakes), mistakes, contracts=())
    with contextlib.suppress(PolicyInvalid):
        mistakes.raise_if_any()
        return
    with pytest.raises(PolicyInvalid) as caught:
        mistakes.raise_if_any()
    for mistake in caught.value.mistakes:
        well_worded(mistake)
        assert set(codes_of(mistake.what)) <= {*MISTAKES, *PHRASES, "either", "and"}


@given(st.text(alphabet=":-[]{}&*!|>%@`'\"?,# \n\tab0", max_size=30) | st.text(max_size=20))
def test_whatever_text_is_no_yaml_is_told_in_both_languages(text: str) -> None:
    for mistake in mistakes_in(text):
        well_worded(mistake)


@given(st.text(alphabet="()[]{}'\"!&|=<>+-*/.,:? \nab01", max_size=25) | st.text(max_size=20))
def test_whatever_condition_does_not_compile_is_told_in_both_languages(when: str) -> None:
    try:
        ENGINE.compile(when, request_type="pilote.crm.v1.GetContactRequest")
    except RuleMistake as wrong:
        for flaw in wrong.flaws:
            fix = told("scope-calls", method=GET_CONTACT)
            well_worded(Mistake("rules[0].when", told(flaw.what.code, **flaw.what.values, fix=fix), at=flaw.at))
