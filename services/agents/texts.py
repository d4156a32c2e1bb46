"""What the front says itself, in English and French; refusals come from the gateway, in its own words."""

from typing import Final

from gateway.core.texts import Worded, saying, typeset

_TEXTS: Final = {
    "no-json": (
        "The body is no JSON: look at line {line}, column {column}.",
        "Le corps n’est pas du JSON : voyez la ligne {line}, colonne {column}.",
    ),
    "no-utf8": ("{field} is not UTF-8: encode it so.", "{field} n’est pas en UTF-8 : encodez-le ainsi."),
    "twice": ("{field} is given twice: give it once.", "{field} est donné deux fois : donnez-le une fois."),
    "deep": (
        "{field} is nested deeper than {most} levels.",
        "{field} est imbriqué sur plus de {most} niveaux.",
    ),
    "bare": (
        "JSON has no {constant}: write it in quotes where a number may be that.",
        "JSON ne connaît pas {constant} : mettez-le entre guillemets là où un nombre peut l’être.",
    ),
    "digits": ("The body has a number of too many digits.", "Le corps contient un nombre de trop de chiffres."),
    "no-object": ("{field} must be an object.", "{field} doit être un objet."),
    "no-list": ("{field} must be a list.", "{field} doit être une liste."),
    "no-null": ("{field} must not be null.", "{field} ne doit pas être null."),
    "unknown": ("{field} is no field of {message}. {hint}", "{field} n’est pas un champ de {message}. {hint}"),
    "kind": ("{field} must be {expected}.", "{field} doit être {expected}."),
    "one-of": ("Give only one of {names}.", "Ne donnez qu’un seul champ parmi {names}."),
    "elsewhere": (
        "{field} says something else than the path: leave it out, or let both say the same.",
        "{field} ne dit pas la même chose que le chemin : omettez-le, ou accordez les deux.",
    ),
    "placed": (
        "{field} is said by the path or the body already: leave it out of the query.",
        "{field} est déjà donné par le chemin ou le corps : retirez-le de la requête.",
    ),
    "in-body": ("{field} goes into the body, not into the query.", "{field} va dans le corps, pas dans la requête."),
    "no-query": (
        "{field} cannot be written into a query: call the method by its full name, with a JSON body.",
        "{field} ne peut pas s’écrire dans la requête : appelez la méthode par son nom complet, avec un corps JSON.",
    ),
    "one-value": ("{field} takes one value.", "{field} prend une seule valeur."),
    "no-body": ("No body is taken here: leave it out.", "Aucun corps n’est attendu ici : omettez-le."),
    "one-message": (
        "One message is taken here, and {count} came.",
        "Un seul message est attendu ici, et {count} sont arrivés.",
    ),
    "large": ("The body is larger than {most} bytes.", "Le corps dépasse {most} octets."),
    "media": (
        "Send JSON in UTF-8: content-type application/json.",
        "Envoyez du JSON en UTF-8 : content-type application/json.",
    ),
    "coding": (
        "Send the body as it is, without content-encoding.",
        "Envoyez le corps tel quel, sans content-encoding.",
    ),
    "many": ("The {field} has more than {most} parameters.", "{field} : plus de {most} paramètres."),
    "slow": (
        "The request has not arrived within {seconds} s: send it again.",
        "La requête n’est pas arrivée en {seconds} s : renvoyez-la.",
    ),
    "no-path": (
        "There is nothing at this path: /openapi.json says what there is.",
        "Il n’y a rien à ce chemin : /openapi.json dit ce qui existe.",
    ),
    "no-verb": ("This path takes {verbs}.", "Ce chemin prend {verbs}."),
    "header": (
        "The header {field} must be printable ASCII.",
        "L’en-tête {field} doit être en ASCII imprimable.",
    ),
    "binary": (
        "Nothing of Pilote is a binary header: leave out {field}, or send its text without “-bin”.",
        "Aucun en-tête de Pilote n’est binaire : omettez {field}, ou envoyez son texte sans « -bin ».",
    ),
    "timeout": (
        "The header {field} must be a time such as “2.5” seconds or “1500m”, of {longest} s at most.",
        "L’en-tête {field} doit être une durée comme « 2.5 » secondes ou « 1500m », de {longest} s au plus.",
    ),
    "gateway-down": ("The gateway does not answer; retry.", "La passerelle ne répond pas ; réessayez."),
    "late": ("The call’s deadline has passed.", "Le délai de l’appel est dépassé."),
    "no-resource": (
        "There is no resource {uri}; list resources to see those that are there.",
        "Il n’y a pas de ressource {uri} ; listez les ressources pour voir celles qui existent.",
    ),
    "internal": (
        "Pilote has made a mistake; it is in our log.",
        "Pilote a fait une erreur ; elle est dans notre journal.",
    ),
    "large-answer": (
        "The answer is too large: ask for less, such as a smaller page.",
        "La réponse est trop grande : demandez moins, par exemple une page plus petite.",
    ),
}
_WORDS: Final = {
    "near": ("Did you mean {near}?", "Vouliez-vous dire {near} ?"),
    "known": ("There are {known}.", "Il y a {known}."),
    "none": ("It has none.", "Il n’en a aucun."),
    "text": ("a text", "un texte"),
    "integer": ("a whole number between {least} and {most}", "un entier entre {least} et {most}"),
    "number": ("a number", "un nombre"),
    "truth": ("true or false", "true ou false"),
    "bytes": ("base64", "du base64"),
    "choice": ("one of {choices}", "l’un de {choices}"),
    "time": ("a time such as “2026-01-31T08:00:00Z”", "un instant comme « 2026-01-31T08:00:00Z »"),
    "span": ("a time span such as “1.5s”", "une durée comme « 1.5s »"),
    "mask": (
        "names of fields parted by commas, such as “email,lifecycleStage”",
        "des noms de champs séparés par des virgules, comme « email,lifecycleStage »",
    ),
    "any": ("an object whose @type is known", "un objet dont le @type est connu"),
    "other": ("a valid {message}", "un {message} valide"),
}
_say: Final = saying(_TEXTS)
_word: Final = saying(_WORDS)


class Words(Worded):
    """A part of a text, worded in its language."""

    def __init__(self, key: str, **values: object) -> None:
        self._key = key
        self._values = values

    def worded(self, *, language: str) -> str:
        """See `Worded`."""
        return _word(self._key, language=language, **self._values)


def say(key: str, /, *, language: str, **values: object) -> str:
    """The text of that key."""
    text = _say(key, language=language, **values).strip()
    return typeset(text) if language == "fr" else text
