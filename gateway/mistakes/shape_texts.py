"""Mistakes of a single value: what it is and how to mend it, each in English and French."""

from typing import Final

_HINT: Final = ("{hint}", "{hint}")
TEXTS: Final = {
    "no-mapping": (
        ("expected a mapping, got {found}", "champs attendus ici, trouvé : {found}"),
        ("write the fields here: {fields}", "écrivez les champs ici : {fields}"),
    ),
    "field-unknown": (("unknown field '{name}'", "champ inconnu : « {name} »"), _HINT),
    "field-missing": (
        ("required field '{name}' is missing", "le champ obligatoire « {name} » manque"),
        ("add '{name}'", "ajoutez « {name} »"),
    ),
    "inner-missing": (
        ("required field '{name}' is missing in here", "le champ obligatoire « {name} » manque ici"),
        _HINT,
    ),
    "inner-unknown": (("unknown field '{name}' in here", "champ inconnu ici : « {name} »"), _HINT),
    "kind-wrong": (("expected {wanted}, got {found}", "attendu : {wanted} ; trouvé : {found}"), _HINT),
    "choice-unknown": (
        ("'{name}' is none of the choices", "« {name} » ne fait pas partie des choix possibles"),
        _HINT,
    ),
    "length-least": (("needs at least {bound} {unit}", "doit avoir au moins {bound} {unit}"), _HINT),
    "length-most": (("may have at most {bound} {unit}", "peut avoir au plus {bound} {unit}"), _HINT),
    "bound-least": (("must be at least {bound}", "doit valoir au moins {bound}"), _HINT),
    "bound-most": (("must be at most {bound}", "doit valoir au plus {bound}"), _HINT),
    "bound-above": (("must be more than {bound}", "doit être supérieur à {bound}"), _HINT),
    "bound-below": (("must be less than {bound}", "doit être inférieur à {bound}"), _HINT),
    "unusable": (("cannot be used as it is written", "n’est pas utilisable tel qu’il est écrit"), _HINT),
    "undefined": (("'{name}' is not defined", "« {name} » n’est pas défini"), _HINT),
    "name-taken": (
        ("the name '{name}' is taken", "le nom « {name} » est déjà pris"),
        (
            "choose another name, or merge the two {section}",
            "choisissez un autre nom, ou fusionnez les deux entrées de `{section}`",
        ),
    ),
}
