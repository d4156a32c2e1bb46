"""What `pilote reviews next` says; what it shares with the page of a review, it says in the page's words."""

from typing import Final

from gateway.core.texts import saying, typeset
from services.control.console.texts.reviews import TEXTS as PAGE

_TEXTS: Final = {
    "head": (
        "Decision {decision} of {agent} ({tenant}): {verdict}. Received {received}.",
        "Décision {decision} de {agent} ({tenant}) : {verdict}. Reçue le {received}.",
    ),
    "version": ("Version {version}.", "Version {version}."),
    "until": (
        "It is yours until {until}; Ctrl-C gives it back.",
        "Elle est à vous jusqu’à {until} ; Ctrl-C la rend.",
    ),
    "said": ("  one says: {label}", "  une personne dit : {label}"),
    "choice": ("  {number}  {label}", "  {number}  {label}"),
    "number": ("Number", "Numéro"),
    "again": ("Choose a number from 1 to {most}.", "Choisissez un numéro de 1 à {most}."),
    "why": ("Why (may be empty; name no customer)", "Pourquoi (peut être vide ; ne nommez aucun client)"),
}
say: Final = saying({key: (english, typeset(french)) for key, (english, french) in (PAGE | _TEXTS).items()})
"""A text by its key, in a language, filled with values."""
