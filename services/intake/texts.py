"""What is said to those who send events, in English and French."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "malformed": ("It is no JSON object in UTF-8.", "Ce n’est pas un objet JSON en UTF-8."),
    "deep": (
        "Objects may lie 32 deep within each other.",
        "Les objets peuvent compter 32 niveaux d’imbrication au plus.",
    ),
    "kind": ("{field} has another type than it must have.", "{field} n’a pas le type attendu."),
    "type": (
        "type must be one of identify, group, track, page, screen, alias.",
        "type doit être l’un de identify, group, track, page, screen, alias.",
    ),
    "nobody": ("Say whom it is about: userId or anonymousId.", "Dites de qui il s’agit : userId ou anonymousId."),
    "id": (
        "{field} must have at most 200 characters, and no control characters.",
        "{field} doit compter 200 caractères au plus, sans caractère de contrôle.",
    ),
    "nameless": ("Name what happened in event.", "Nommez dans event ce qui s’est passé."),
    "groupless": ("Name the group in groupId.", "Nommez le groupe dans groupId."),
    "event-large": ("An event may have 32 kB at most.", "Un événement peut compter 32 ko au plus."),
    "unfit": (
        "The value is none that this fact can have; it is left out.",
        "La valeur ne convient pas à ce fait ; elle est laissée de côté.",
    ),
    "unattributed": (
        "It names no decision, and no contact with this customer came before it in time: the outcome is not kept.",
        "Il ne cite aucune décision, et aucune sollicitation de ce client ne l’a précédé d’assez près : la suite n’est pas conservée.",
    ),
    "unconsented": (
        "The customer has not agreed to this being kept.",
        "Le client n’a pas consenti à ce que cela soit conservé.",
    ),
    "damaged": (
        "What the store holds of this customer, and of nobody else, is damaged. Have it put in anew with `pilote facts import --replace-damaged`, then send this event again.",
        "Ce que le registre contient de ce client, et de lui seul, est endommagé. Faites-le saisir à nouveau par `pilote facts import --replace-damaged`, puis renvoyez cet événement.",
    ),
    "line": (
        "{field} is no member: give userId, and member as true or false; nothing was changed.",
        "{field} n’est pas un membre : donnez userId, et member valant true ou false ; rien n’a été modifié.",
    ),
    "audience": (
        "The policy does not let this source say who belongs to this audience.",
        "La politique ne laisse pas cette source dire qui appartient à cette audience.",
    ),
    "unomi": (
        "The policy does not say how events of Apache Unomi from this source are understood; have `unomi` added to it.",
        "La politique ne dit pas comment comprendre les événements d’Apache Unomi de cette source ; faites-y ajouter `unomi`.",
    ),
    "audience-busy": (
        "This audience is being synchronised already; wait until that is over.",
        "Cette audience est déjà en cours de synchronisation ; attendez qu’elle soit terminée.",
    ),
    "content": (
        "Send application/x-ndjson, text/csv or application/vnd.apache.parquet.",
        "Envoyez du application/x-ndjson, du text/csv ou du application/vnd.apache.parquet.",
    ),
    "parquet": (
        "It is no Parquet file that can be read within bounds; nothing was changed. Write it anew, in smaller row groups.",
        "Ce n’est pas un fichier Parquet lisible dans les limites ; rien n’a été modifié. Réécrivez-le, en groupes de lignes plus petits.",
    ),
    "parquet-columns": (
        "The Parquet file needs a column userId of texts or whole numbers, and may have a column member of booleans; nothing was changed.",
        "Il faut au fichier Parquet une colonne userId de textes ou de nombres entiers, et il peut avoir une colonne member de booléens ; rien n’a été modifié.",
    ),
    "parquet-large": (
        "A Parquet file may have 512 MB at most; send the members as text/csv, or the difference by PATCH.",
        "Un fichier Parquet peut compter 512 Mo au plus ; envoyez les membres en text/csv, ou la différence par PATCH.",
    ),
    "body-large": (
        "A request may have 500 kB at most; send it in parts.",
        "Une requête peut compter 500 ko au plus ; envoyez-la en plusieurs fois.",
    ),
    "body-slow": (
        "The request did not arrive within 30 seconds; send it again.",
        "La requête n’est pas arrivée en 30 secondes ; renvoyez-la.",
    ),
    "compression": (
        "Send the body as it is, or compressed with gzip.",
        "Envoyez le corps tel quel, ou compressé avec gzip.",
    ),
    "key": (
        "Send a write key of the active policy as the user name of basic authentication.",
        "Envoyez une clé d’écriture de la politique active comme nom d’utilisateur de l’authentification basique.",
    ),
    "no-policy": (
        "No policy is active, so no source is known; retry.",
        "Aucune politique n’est active, aucune source n’est donc connue ; réessayez.",
    ),
    "store-down": (
        "The store does not answer; send the same again, nothing is taken twice.",
        "Le registre ne répond pas ; renvoyez la même requête, rien ne sera pris deux fois.",
    ),
    "audit-down": (
        "The audit service does not answer; send the same again, nothing is taken twice.",
        "Le service d’audit ne répond pas ; renvoyez la même requête, rien ne sera pris deux fois.",
    ),
    "internal": ("A mistake of ours; it is in our log.", "Une erreur de notre part ; elle est dans notre journal."),
    "http": ("This cannot be asked here: {phrase}.", "Cela ne peut être demandé ici : {phrase}."),
}

say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
"""A text by its key, in a language, filled with values."""
