"""Mistakes of a policy's text as such, its files and packs: what it is and how to mend it, each in both languages."""

from typing import Final

TEXTS: Final = {
    "yaml-alias": (
        ("an alias (*) names an anchor that is not there", "un alias (*) désigne une ancre qui n’existe pas"),
        (
            "write the anchor (&) before it, or put a text that begins with * in quotes",
            "écrivez l’ancre (&) avant lui, ou mettez entre guillemets un texte qui commence par *",
        ),
    ),
    "yaml-anchor-twice": (
        ("this anchor (&) stands here for the second time", "cette ancre (&) est déjà définie plus haut"),
        ("give it another name", "donnez-lui un autre nom"),
    ),
    "yaml-documents": (
        ("a second document begins here", "un deuxième document commence ici"),
        ("keep one document in the file: remove the ---", "gardez un seul document par fichier : retirez les ---"),
    ),
    "yaml-deep": (
        ("is nested too deeply", "est trop profondément imbriqué"),
        ("nest less", "imbriquez moins de niveaux"),
    ),
    "yaml-start": (
        ("no value can begin with {sign}", "aucune valeur ne peut commencer par {sign}"),
        ("put the text in quotes", "mettez le texte entre guillemets"),
    ),
    "yaml-colon": (
        ("no ':' may stand here", "aucun « : » n’est permis ici"),
        (
            "put a text with ': ' in quotes; align the fields of one part below each other",
            "mettez entre guillemets un texte qui contient « : » ; alignez les champs d’une même partie",
        ),
    ),
    "yaml-no-colon": (
        ("a field without ':' ends here", "un champ sans « : » se termine ici"),
        ("write it as `name: value`", "écrivez-le sous la forme `nom: valeur`"),
    ),
    "yaml-dash": (
        ("no list may begin here", "aucune liste ne peut commencer ici"),
        ("begin it on a line of its own, with '- '", "commencez-la sur sa propre ligne, par « - »"),
    ),
    "yaml-question": (
        ("no '?' may stand here", "aucun « ? » n’est permis ici"),
        ("put a text that begins with '?' in quotes", "mettez entre guillemets un texte qui commence par « ? »"),
    ),
    "yaml-unclosed": (
        (
            "the text ends before a quote or bracket is closed",
            "le texte se termine avant la fermeture d’un guillemet ou d’un crochet",
        ),
        ("close what stands open above", "fermez ce qui est resté ouvert plus haut"),
    ),
    "yaml-list": (
        ("expected ',' or ']' here", "« , » ou « ] » attendu ici"),
        ("part the items by commas, and close the list", "séparez les éléments par des virgules et fermez la liste"),
    ),
    "yaml-mapping": (
        ("expected ',' or '}' here", "« , » ou « } » attendu ici"),
        ("part the fields by commas, and close the braces", "séparez les champs par des virgules et fermez l’accolade"),
    ),
    "yaml-nothing": (
        ("a value is missing before {sign}", "il manque une valeur avant {sign}"),
        ("write the value, or remove the sign", "écrivez la valeur, ou retirez le signe"),
    ),
    "yaml-indent": (
        ("this does not go with the lines above it", "ceci ne va pas avec les lignes qui précèdent"),
        (
            "align it with the fields or items that it belongs to, and put what has quotes in it in quotes as a whole",
            "alignez-le sur les champs ou éléments de sa partie, et mettez tout entre guillemets si le texte en contient",
        ),
    ),
    "yaml-escape": (
        (
            "no such sign can be written after a backslash",
            "aucun signe ne s’écrit ainsi après une barre oblique inverse",
        ),
        ("double the backslash, or use single quotes", "doublez la barre oblique inverse, ou utilisez des apostrophes"),
    ),
    "yaml-tab": (
        ("a tab stands where only spaces may", "une tabulation se trouve là où seules des espaces sont permises"),
        ("indent by spaces", "indentez avec des espaces"),
    ),
    "yaml-block": (
        ("only | or > may begin a text of several lines", "seul | ou > peut commencer un texte de plusieurs lignes"),
        ("begin the text on the next line, indented", "commencez le texte à la ligne suivante, en retrait"),
    ),
    "yaml-before": (
        ("this may not stand before the document", "ceci ne peut pas précéder le document"),
        (
            "remove it; put a text that begins with % in quotes",
            "retirez-le ; un texte qui commence par % se met entre guillemets",
        ),
    ),
    "yaml-tag": (
        ("this tag (!) cannot be read", "cette étiquette (!) est illisible"),
        (
            "remove it, or put a text that begins with ! in quotes",
            "retirez-la, ou mettez entre guillemets un texte qui commence par !",
        ),
    ),
    "yaml-control": (
        ("the sign {sign} cannot stand in YAML", "le signe {sign} est interdit dans YAML"),
        ("remove it", "retirez-le"),
    ),
    "yaml-wrong": (
        ("is no YAML", "n’est pas du YAML"),
        ("mend the YAML here", "corrigez le YAML à cet endroit"),
    ),
    "document-endless": (
        ("is nested too deeply", "est trop profondément imbriqué"),
        (
            "nest less; an alias may not stand inside its own anchor",
            "imbriquez moins de niveaux ; un alias ne peut pas se trouver dans sa propre ancre",
        ),
    ),
    "document-deep": (
        ("is nested too deeply", "est trop profondément imbriqué"),
        ("nest at most {most} levels", "imbriquez au plus {most} niveaux"),
    ),
    "document-large": (
        ("has more than {most} values", "contient plus de {most} valeurs"),
        ("use fewer aliases", "utilisez moins d’alias"),
    ),
    "document-no-utf8": (
        ("is no UTF-8", "n’est pas en UTF-8"),
        ("save the file as UTF-8", "enregistrez le fichier en UTF-8"),
    ),
    "value-unreadable": (
        ("the value '{value}' cannot be read", "la valeur « {value} » est illisible"),
        ("put it in quotes if it is meant as text", "mettez-la entre guillemets si c’est un texte"),
    ),
    "field-twice": (
        ("the field '{name}' stands here twice", "le champ « {name} » figure deux fois ici"),
        ("keep one of them, or make them one list", "gardez-en un, ou réunissez-les en une liste"),
    ),
    "file-not-here": (
        ("no file can be read from here", "aucun fichier ne peut être lu d’ici"),
        (
            "put its content into `{field}`, or propose the policy by the command line",
            "mettez son contenu dans `{field}`, ou proposez la politique par la ligne de commande",
        ),
    ),
    "file-unreadable": (
        ("the file '{file}' cannot be read", "le fichier « {file} » est illisible"),
        ("name a file beside the policy file", "indiquez un fichier à côté de celui de la politique"),
    ),
    "pack-not-here": (
        ("no file can be read from here", "aucun fichier ne peut être lu d’ici"),
        (
            "name a pack that comes with Pilote, or propose the policy by the command line",
            "indiquez un pack fourni avec Pilote, ou proposez la politique par la ligne de commande",
        ),
    ),
    "pack-unreadable": (
        ("the file '{file}' cannot be read", "le fichier « {file} » est illisible"),
        (
            "name a file beside the policy file; `pilote packs copy` makes one",
            "indiquez un fichier à côté de celui de la politique ; `pilote packs copy` en crée un",
        ),
    ),
    "pack-twice": (
        ("the pack '{name}' is named twice", "le pack « {name} » est cité deux fois"),
        ("keep one of them, or rename your own", "gardez-en un, ou renommez le vôtre"),
    ),
    "pack-entry": (
        (
            "expected a pack's name and version, as texts, or the file of one",
            "nom et version d’un pack attendus, sous forme de textes, ou le fichier d’un pack",
        ),
        (
            'write {name: fr-telephone, version: "2026.1"} or {file: our-pack.yaml}',
            'écrivez {name: fr-telephone, version: "2026.1"} ou {file: notre-pack.yaml}',
        ),
    ),
    "pack-unknown": (
        ("no pack '{name}' comes with Pilote", "Pilote ne fournit pas de pack « {name} »"),
        ("{hint}", "{hint}"),
    ),
    "pack-version-unknown": (
        ("the pack '{name}' has no version '{version}'", "le pack « {name} » n’a pas de version « {version} »"),
        (
            "choose one of {versions}; no upgrade changes what a version says",
            "choisissez parmi {versions} ; aucune mise à jour ne change le contenu d’une version",
        ),
    ),
    "pack-without-version": (
        ("the pack '{name}' needs its version", "le pack « {name} » doit être cité avec sa version"),
        (
            "choose one of {versions}; no upgrade changes what a version says",
            "choisissez parmi {versions} ; aucune mise à jour ne change le contenu d’une version",
        ),
    ),
    "pack-section": (
        ("a pack holds no '{name}'", "un pack ne contient pas de « {name} »"),
        ("{hint}", "{hint}"),
    ),
    "pack-no-list": (
        ("expected a list", "liste attendue"),
        (
            "write a list here: each part on lines of its own after '- '",
            "écrivez ici une liste : chaque partie sur ses propres lignes après « - »",
        ),
    ),
}
