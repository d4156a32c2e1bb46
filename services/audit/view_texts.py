"""What is said when a view is not kept, in English and French."""

from typing import Final

from gateway.core.errors import CallEnded, Reason
from gateway.core.texts import saying

_TEXTS: Final = {
    "name": (
        "A view is named views/{view}: a small letter, then at most 62 small letters, digits, - and _.",
        "Une vue se nomme views/{view} : une minuscule, puis au plus 62 minuscules, chiffres, - et _.",
    ),
    "untitled": ("A view needs a title.", "Une vue a besoin d’un titre."),
    "words": (
        "At most {most} characters on one line are taken.",
        "Au plus {most} caractères sur une seule ligne sont acceptés.",
    ),
    "columns": ("A view has at most {most} columns.", "Une vue a au plus {most} colonnes."),
    "absent": ("There is no view {name}.", "Il n’y a pas de vue {name}."),
    "there": (
        "There is a view {name} already: choose another name, or update it.",
        "La vue {name} existe déjà : choisissez un autre nom, ou modifiez-la.",
    ),
    "changed": (
        "{name} has changed since you read it: read it again, then retry.",
        "{name} a changé depuis votre lecture : relisez-la, puis réessayez.",
    ),
    "full": ("There are {most} views already: delete some.", "Il y a déjà {most} vues : supprimez-en."),
}
_say: Final = saying(_TEXTS)


def ended(reason: Reason, code: str, *, field: str, language: str, **values: object) -> CallEnded:
    """The end of a call about a view, said in the language too."""
    english = _say(code, language="en", **values)
    return CallEnded(
        reason,
        english,
        metadata={"field": field, **{name: str(value) for name, value in values.items()}},
        violations=((field, english),),
        localized=None if language == "en" else (language, _say(code, language=language, **values)),
    )
