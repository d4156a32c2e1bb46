"""Puts observations into words, for people and as JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.core.texts import LANGUAGES, Worded, saying, span, typeset
from gateway.core.trust import WORDS
from services.doctor.observing import Grade, Observation, exit_code
from services.doctor.texts.mending import MENDS
from services.doctor.texts.seen import SEEN

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "processes": ("Processes", "Processus"),
    "store": ("Store", "Stockage"),
    "clocks": ("Clocks", "Horloges"),
    "certificates": ("Certificates", "Certificats"),
    "revision": ("Revision", "Révision"),
    "streams": ("Streams of decisions", "Flux de décisions"),
    "disk": ("Disk", "Disque"),
    "versions": ("Versions", "Versions"),
    "keys": ("Keys", "Clés"),
    "database": ("Database of decisions", "Base des décisions"),
    "good": ("ok", "bien"),
    "unknown": ("not looked at", "non examiné"),
    "warning": ("warning", "attention"),
    "bad": ("bad", "grave"),
    "all-good": ("All is well: {good} things were looked at.", "Tout va bien : {good} points examinés."),
    "sum": (
        "Bad: {bad}, warnings: {warning}, not looked at: {unknown}, well: {good}.",
        "Graves : {bad}, avertissements : {warning}, non examinés : {unknown}, bien : {good}.",
    ),
    "unusable": ("it has mistakes for its version", "elle a des erreurs pour sa version"),
}


def _typeset(texts: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {key: (english, _french(french)) for key, (english, french) in texts.items()}


_COMMAND: Final = re.compile(r"`[^`]*`")


def _french(text: str) -> str:
    """French with its unbreakable spaces, but for commands, which are copied."""
    kept = _COMMAND.findall(text)
    parts = [typeset(part) for part in _COMMAND.split(text)]
    return "".join(part + (kept[place] if place < len(kept) else "") for place, part in enumerate(parts))


_say_word: Final = saying(_typeset(_WORDS))
_say_seen: Final = saying(_typeset(SEEN))
_say_mend: Final = saying(_typeset(MENDS))


class _Why(Worded):
    def __init__(self, why: str) -> None:
        self._why = why

    def worded(self, *, language: str) -> str:
        """Why a revision does not run."""
        if self._why in WORDS:
            return WORDS[self._why][LANGUAGES.index(language)]  # type: ignore[index]
        return _say_word("unusable", language=language)


def word(key: str, *, language: str, **values: object) -> str:
    """The name of a part or a grade, or a sentence about all of them."""
    return _say_word(key, language=language, **values)


def seen(observation: Observation, *, language: str) -> str:
    """What was seen."""
    said = _say_seen(observation.what, language=language, **_values(observation, language))
    return re.sub(" {2,}", " ", said).rstrip()  # a store of one server has no address to be told apart by


def mend(observation: Observation, *, language: str) -> str:
    """How to mend it; empty where nothing needs to be."""
    if observation.grade is Grade.GOOD:
        return ""
    return _say_mend(observation.what, language=language, **_values(observation, language))


def summary(observations: Sequence[Observation], *, language: str) -> str:
    """All of it in one sentence."""
    counts = {grade.value: sum(each.grade is grade for each in observations) for grade in Grade}
    key = "all-good" if counts["good"] == len(observations) else "sum"
    return word(key, language=language, **counts)


def as_json(observations: Sequence[Observation], *, language: str) -> dict[str, Any]:
    """Everything, for programs: `what` and the names in `values` stay as they are from version to version."""
    return {
        "exit_code": exit_code(observations),
        "observations": [
            {
                "part": each.part,
                "what": each.what,
                "grade": each.grade.value,
                "seen": seen(each, language=language),
                "mend": mend(each, language=language),
                "values": each.values,
            }
            for each in observations
        ],
    }


def _values(observation: Observation, language: str) -> dict[str, object]:
    values: dict[str, object] = dict(observation.values)
    if "why" in values:
        values["why"] = _Why(str(values["why"]))
    if "age_ms" in values:
        values["age"] = span(int(observation.values["age_ms"]), language=language)
    if "log" not in values:
        values["log"] = ""
    return values
