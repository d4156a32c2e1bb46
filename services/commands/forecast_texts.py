"""What a forecast of a changed policy says, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "interval": ("{value} ({low} to {high})", "{value} (de {low} à {high})"),
    "few": (
        "Only {people} people were to be contacted: too few to say what the change does to customers.",
        "Seules {people} personnes devaient être sollicitées : trop peu pour dire ce que le changement fait aux clients.",
    ),
    "avoided": (
        "Since {since}: contacts fewer: {fewer}; people for whom any contact changes: {people}.",
        "Depuis le {since} : sollicitations en moins : {fewer} ; personnes pour qui au moins une sollicitation change : {people}.",
    ),
    "opt_outs": ("Opt-outs: {change}.", "Désinscriptions : {change}."),
    "complaints": ("Complaints: {change}.", "Plaintes : {change}."),
    "purchases": (
        "Purchases, by what a contact adds compared with the holdout: {change}.",
        "Achats, d’après ce qu’une sollicitation ajoute par rapport au groupe témoin : {change}.",
    ),
    "comes-back": (
        "Who would not have opted out could be contacted later: {back} such contacts are to be expected, {most} at most.",
        "Qui ne se serait pas désinscrit pourrait être sollicité plus tard : {back} telles sollicitations sont à attendre, {most} au plus.",
    ),
    "returns": (
        "Agents come back after refusals ({share} % more often than after contacts): how many contacts they would make later, records cannot know.",
        "Les agents reviennent après un refus ({share} % plus souvent qu’après une sollicitation) : combien de sollicitations suivraient plus tard, les enregistrements ne peuvent le savoir.",
    ),
    "rests-on": (
        "Intervals (95 %) are for as many customers like these in as long a time; people under much pressure are taken to be like those under little, if only they were spared.",
        "Les intervalles (95 %) valent pour autant de clients semblables sur une durée égale ; on suppose que les personnes très sollicitées réagiraient comme celles qui le sont peu, si elles étaient épargnées.",
    ),
}

say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
