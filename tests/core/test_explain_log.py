"""Where a decision stands in the log, in words."""

import pytest

from gateway.core.explain_log import explain_log


@pytest.mark.parametrize(
    ("places", "english", "french"),
    [
        ((0, None), "It is entry 0 of the log.", "C’est l’entrée 0 du journal."),
        (
            *((3, 12_345),),
            "It is entry 3 of the log, and its end entry 12345.",
            "C’est l’entrée 3 du journal, et sa fin l’entrée 12345.",
        ),
        (
            *((None, None),),
            "It was stored before there was a log, so nothing proves it.",
            "Elle a été enregistrée avant qu’il y ait un journal : rien ne la prouve.",
        ),
    ],
)
def test_a_decision_says_where_it_stands_in_the_log(
    places: tuple[int | None, int | None], english: str, french: str
) -> None:
    assert explain_log(*places, language="en") == (english,)
    assert explain_log(*places, language="fr") == (french,)
