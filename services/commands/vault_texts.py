"""What the commands `pilote vault` say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "columns": (
        "tenant|attribute|people|purpose|legal basis|deleted by",
        "organisation|attribut|personnes|finalité|base légale|supprimé d’ici le",
    ),
    "compared-columns": (
        "tenant|agent|version|measure|attribute|group|rate|held against|its rate|ratio|interval|within segments|four fifths alone|by chance|surely unequal",
        "organisation|agent|version|mesure|attribut|groupe|taux|comparé à|son taux|rapport|intervalle|à segment égal|quatre cinquièmes seuls|par hasard|inégalité sûre",
    ),
    "compared-none": (
        "Nothing was compared: the vault holds nothing, or the last complete week has too few people in each group.",
        "Rien n’a été comparé : le coffre est vide, ou la dernière semaine complète compte trop peu de personnes par groupe.",
    ),
    "small": (
        "Too small in {hidden} of {of} comparisons: {group} ({attribute})",
        "Trop petit dans {hidden} comparaisons sur {of} : {group} ({attribute})",
    ),
    "no": ("no", "non"),
    "yes": ("yes", "oui"),
    "forgotten": ("{count} values were deleted.", "Valeurs supprimées : {count}."),
    "large": ("The file is larger than 4 MiB: split it.", "Le fichier dépasse 4 Mio : divisez-le."),
    "loaded": (
        "{attribute} is held of {people} people; the statistics take it up within an hour.",
        "{attribute} : données de {people} personnes ; les statistiques en tiennent compte d’ici une heure.",
    ),
    "none": ("The vault holds nothing.", "Le coffre est vide."),
    "unreadable": ("The file cannot be read as UTF-8 text.", "Le fichier ne peut être lu comme texte en UTF-8."),
}

say: Final = saying(_TEXTS)
"""A text by its key, in a language, filled with values."""
