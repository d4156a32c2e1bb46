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
    "line": ("Line {line}: {problem}", "Ligne {line} : {problem}"),
    "loaded": (
        "{attribute} is held of {people} people; the statistics take it up within an hour.",
        "{attribute} : données de {people} personnes ; les statistiques en tiennent compte d’ici une heure.",
    ),
    "none": ("The vault holds nothing.", "Le coffre est vide."),
    "row-columns": ("it must have two cells, customer and value", "il faut deux cellules, customer et value"),
    "row-csv": (
        "it is no CSV, such as for a quote that does not end",
        "ce n’est pas du CSV, par exemple un guillemet non fermé",
    ),
    "row-customer": ("the customer’s name is empty or cannot be read", "le nom du client est vide ou illisible"),
    "row-empty": ("there is no customer in the file", "le fichier ne contient aucun client"),
    "row-head": ("the first line must be customer,value", "la première ligne doit être customer,value"),
    "row-many": (
        "one load takes 20,000 customers: split the file",
        "un chargement prend 20 000 clients : divisez le fichier",
    ),
    "row-twice": ("this customer stands in the file already", "ce client figure déjà dans le fichier"),
    "row-value": ("the attribute has no such value", "l’attribut n’a pas cette valeur"),
    "unreadable": ("The file cannot be read as UTF-8 text.", "Le fichier ne peut être lu comme texte en UTF-8."),
}

say: Final = saying(_TEXTS)
"""A text by its key, in a language, filled with values."""
