"""What filters may name is told to who helps people to write them."""

import pytest

from services.audit.filters.describing import described
from services.audit.filters.fields import FIELDS
from services.audit.filters.filter import parse
from services.audit.filters.functions import FUNCTIONS


@pytest.mark.parametrize(
    ("asked", "language", "agent"),
    [("en", "en", "who called"), ("fr-FR,en", "fr", "qui a appelé"), ("x" * 999, "en", "who called")],
)
def test_every_field_and_function_is_described_in_the_language_asked_for(asked: str, language: str, agent: str) -> None:
    answer = described(asked)
    assert answer.language_code == language
    assert [field.name for field in answer.fields] == list(FIELDS)
    assert next(field.description for field in answer.fields if field.name == "agent") == agent
    assert [function.name for function in answer.functions] == list(FUNCTIONS)


def test_every_field_can_be_written_with_its_comparators_and_values() -> None:
    for field in described("en").fields:
        for value in field.values:
            parse(f'{field.name} = "{value}"')
        if not field.keyed:
            parse(f"{field.name}:*")
        if field.textual and not field.values:
            parse(f'{field.name} = "a b"')
    for function in described("en").functions:
        parse(function.usage)
