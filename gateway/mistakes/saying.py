"""Mistakes of policies in words, in English and French; French has its no-break spaces."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.core.mistakes import Told, Value
from gateway.core.revision.decode import NOWHERE, Mistake
from gateway.core.texts import LANGUAGES, Worded, fill, typeset
from gateway.mistakes import (
    caller_texts,
    counted_texts,
    expression_texts,
    file_texts,
    learning_texts,
    objective_texts,
    phrases,
    ratelimit_texts,
    rest_texts,
    rule_texts,
    serving_texts,
    shape_texts,
    source_texts,
)

Pair = tuple[str, str]
MISTAKES: Final[Mapping[str, tuple[Pair, Pair]]] = {
    code: row
    for part in (
        *(file_texts, shape_texts, caller_texts, serving_texts),
        *(
            objective_texts,
            learning_texts,
            counted_texts,
            rule_texts,
            expression_texts,
            ratelimit_texts,
            rest_texts,
            source_texts,
        ),
    )
    for code, row in part.TEXTS.items()
}
"""By code what is wrong and how to mend it, each in both of `LANGUAGES`."""
PHRASES: Final[Mapping[str, Pair]] = {
    **phrases.PHRASES,
    **caller_texts.PHRASES,
    **rest_texts.PHRASES,
    **ratelimit_texts.PHRASES,
}
"""By code what fills these in."""
_PLACED: Final = ("line {line}, column {column}: {problem}", "ligne {line}, colonne {column} : {problem}")
_JOINED: Final = {"either": ("or", "ou"), "and": ("and", "et")}
_UNPRINTABLE: Final = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f]")


class Words(NamedTuple):
    """One mistake in a language."""

    problem: str
    fix: str


class Problem(Worded):
    """What is wrong, as a value that another text is filled in with."""

    def __init__(self, mistake: Mistake) -> None:
        self._mistake: Final = mistake

    def worded(self, *, language: str) -> str:
        """What is wrong, in a language."""
        return words(self._mistake, language=language).problem


def words(
    mistake: Mistake, *, language: str, placed: bool = True, more: Mapping[str, tuple[Pair, Pair]] = MISTAKES
) -> Words:
    """What is wrong and how to mend it. `placed`: with where in the expression, of what is wrong within one.

    `more` has the texts of codes that only another kind of document has.
    """
    texts = more.get(mistake.what.code) or MISTAKES[mistake.what.code]
    problem, fix = (_filled(pair, mistake.what.values, language) for pair in texts)
    if placed and mistake.at != NOWHERE:
        line, column = mistake.at
        problem = _filled(_PLACED, {"line": line, "column": column, "problem": problem}, language)
    return Words(problem, fix.strip())


def _filled(pair: Pair, values: Mapping[str, Value], language: str) -> str:
    template = pair[LANGUAGES.index(language)]
    said = {name: _said(value, language) for name, value in values.items()}
    return fill(typeset(template) if language == "fr" else template, said)


def _said(value: Value, language: str) -> str:
    if isinstance(value, Told):
        if value.code in _JOINED:
            return _listed(value.values["choices"], _JOINED[value.code][LANGUAGES.index(language)], language)
        return _filled(PHRASES[value.code], value.values, language)
    if isinstance(value, tuple):
        return ", ".join(_said(each, language) for each in value)
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), str(value))


def _listed(value: Value, conjunction: str, language: str) -> str:
    *others, last = [_said(each, language) for each in value] if isinstance(value, tuple) else [_said(value, language)]
    return f"{', '.join(others)} {conjunction} {last}" if others else last
