"""A sentence in its blanks: what is shown there makes the same sentence again, ticked or typed."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sentences.blanks import BEGUN, Blank, NotFilled, blanks, filled
from services.sentences.kinds import Kind, Never, kind_of
from services.sentences.naming import CLOSED, KEYS, known
from tests.services.sentences.strategies import sentences

LANGUAGES = st.sampled_from(["en", "fr"])


def sent(shown: tuple[Blank, ...]) -> dict[str, list[str]]:
    """What a browser sends of blanks that nobody has touched."""
    fields: dict[str, list[str]] = {}
    for blank in shown:
        if blank.control in ("checks", "choice", "flag"):
            fields[blank.slot] = [*blank.chosen, *([blank.typed] if blank.open else [])]
        elif blank.control != "words":
            fields[blank.slot] = [blank.text]
    return fields


@given(sentences, LANGUAGES)
def test_blanks_that_nobody_has_touched_make_the_same_sentence(sentence: Kind, language: str) -> None:
    names = known([msgspec.to_builtins(sentence)], agents=["sales-bot"])
    assert filled(kind_of(sentence), language, sent(blanks(sentence, language, names=names))) == sentence


def test_names_are_ticked_of_the_draft_and_others_may_be_typed_but_for_agents() -> None:
    sentence = Never(channels=("phone",), segments=("vip",), agents=("gone-bot",))
    names = known([{"segments": ["gold"], "outside": ["vip"]}], agents=["sales-bot"])
    shown = {each.slot: each for each in blanks(sentence, "fr", names=names) if each.slot in KEYS}
    assert shown["segments"].options == (("=gold", "gold"), ("=vip", "vip"))
    assert shown["segments"].chosen == ("=vip",)
    assert ("=phone", "téléphone") in shown["channels"].options
    assert shown["agents"].options == (("=sales-bot", "sales-bot"), ("=gone-bot", "gone-bot"))
    assert [slot for slot, each in shown.items() if each.control == "checks" and not each.open] == [*CLOSED]
    fields = sent(blanks(sentence, "fr", names=names))
    both = filled("never", "fr", fields | {"channels": ["=phone", "e-mail ou pigeon"]})
    assert both == msgspec.structs.replace(sentence, channels=("phone", "email", "pigeon"))
    with pytest.raises(NotFilled) as wrong:
        filled("never", "fr", fields | {"channels": ["=phone", "ou"]})
    assert list(wrong.value.wrong) == ["channels"]


@pytest.mark.parametrize("kind", BEGUN)
@given(typed=st.text(max_size=12))
def test_whatever_is_ticked_or_typed_makes_a_sentence_or_is_told_to_be_none(kind: str, typed: str) -> None:
    fields = sent(blanks(BEGUN[kind], "en", names=known([], agents=[])))
    for slot in fields:
        with contextlib.suppress(NotFilled):
            filled(kind, "en", fields | {slot: [f"={typed}", typed]})
