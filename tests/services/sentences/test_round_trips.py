"""What is said is understood, and what is written is read: every sentence comes back as it was, in both languages."""

import pytest
from hypothesis import HealthCheck, example, given

from services.sentences.engine import engine
from services.sentences.kinds import KINDS, Is, Kind, Only, kind_of
from services.sentences.reading import Read, read
from services.sentences.saying import say
from services.sentences.understanding import understand
from services.sentences.writing import SECTIONS, write
from tests.examples import thoroughly
from tests.services.sentences.strategies import sentences

often = thoroughly(400, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("language", ["en", "fr"])
@often
@given(sentence=sentences)
def test_what_is_said_is_understood_as_it_was_meant(language: str, sentence: Kind) -> None:
    said = say(sentence, language)
    assert understand(said, language).sentence == sentence, said


TWICE = Only(labels=(Is(name="team", values=("crm",)), Is(name="team", values=("crm", "web"))))
"""One label, compared twice."""


@often
@given(sentence=sentences)
@example(sentence=TWICE)
def test_what_is_written_is_read_as_it_was_said(sentence: Kind) -> None:
    written = write(sentence, name="one")
    assert written.section == SECTIONS[kind_of(sentence)]
    assert read(written.section, written.part, engine=engine()) == Read(sentence=sentence), written


def test_every_kind_writes_into_a_section() -> None:
    assert set(KINDS) == set(SECTIONS)
