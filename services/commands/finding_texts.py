"""What the commands about findings say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "none": ("Nothing is wrong as far as anybody has looked.", "Rien d’anormal, pour autant qu’on ait regardé."),
    "unknown": (
        "There is no finding {name}: pilote findings --all",
        "Il n’y a pas de constat {name} : pilote findings --all",
    ),
    "state": ("{grade}, {state}", "{grade}, {state}"),
    "owned": ("{grade}, {state} by {owner}", "{grade}, {state} par {owner}"),
    "due": (
        "Seen since {first}, last at {last}; due {due}.",
        "Constaté depuis le {first}, la dernière fois le {last} ; échéance le {due}.",
    ),
    "evidence": ("The decisions: pilote decisions list {filter}", "Les décisions : pilote decisions list {filter}"),
    "example": ("One of them: pilote explain {decision}", "L’une d’elles : pilote explain {decision}"),
    "made": ("Made of it: {name}", "Ce qui en a été fait : {name}"),
    "comment": ("{time}  {by}: {text}", "{time}  {by} : {text}"),
}

say: Final = saying(_TEXTS)
"""A text by its key, in a language, filled with values."""
