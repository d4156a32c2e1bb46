"""Why there is no such report, in English and French."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "report-span": (
        "A report must end after its start: write days such as 2026-11-24, or times such as 2026-11-24T08:00:00Z.",
        "La fin de la période doit suivre son début : écrivez des jours comme 2026-11-24, ou des dates comme 2026-11-24T08:00:00Z.",
    ),
    "report-long": (
        "A report is about 366 days at most: ask for several.",
        "Un rapport porte sur 366 jours au plus : demandez-en plusieurs.",
    ),
    "report-version": (
        "Name the model and the version that the report is about.",
        "Indiquez le modèle et la version sur lesquels porte le rapport.",
    ),
    "report-name": (
        "Names of tenants, models and versions have at most 128 characters.",
        "Les noms d’organisations, de modèles et de versions ont au plus 128 caractères.",
    ),
    "report-file": ("{file} cannot be written.", "Impossible d’écrire {file}."),
    "report-where": (
        "Say where to write the report: --html FILE, --pdf FILE, or both.",
        "Dites où écrire le rapport : --html FICHIER, --pdf FICHIER, ou les deux.",
    ),
    "report-made": (
        "{title}: written to {files}. Its numbers are of the log with {size} entries, root {root}.",
        "{title} : écrit dans {files}. Ses nombres sont ceux du journal de {size} entrées, racine {root}.",
    ),
    "report-written": ("{title}: written to {files}.", "{title} : écrit dans {files}."),
    "report-unproved": (
        "{title}: written to {files}. Nothing of the log is signed yet.",
        "{title} : écrit dans {files}. Rien du journal n’est encore signé.",
    ),
}  # fmt: skip
KEYS: Final = frozenset(_TEXTS)

say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
"""A text by its key, in a language, filled with values."""
