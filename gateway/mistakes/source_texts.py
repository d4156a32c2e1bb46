"""Mistakes about systems that tell us of customers: what it is and how to mend it, in both languages."""

from typing import Final

TEXTS: Final = {
    "source-unidentified": (
        ("the source '{name}' cannot identify itself", "la source « {name} » n’a aucun moyen de s’identifier"),
        ("add `keys` (see `pilote keys new`)", "ajoutez `keys` (voyez `pilote keys new`)"),
    ),
    "source-key-shared": (
        (
            "this key belongs to another source or agent too",
            "cette clé appartient aussi à une autre source ou à un agent",
        ),
        ("make a key for each", "créez une clé pour chacun"),
    ),
    "source-tenant-unknown": (
        ("no agent has the tenant '{name}'", "aucun agent n’a l’organisation « {name} »"),
        ("{hint}", "{hint}"),
    ),
    "source-subject": (
        (
            "'{subject}' does not say which customer an event is about",
            "« {subject} » ne dit pas de quel client parle un événement",
        ),
        (
            "write {wanted} in it once, such as contacts/{wanted}",
            "écrivez-y {wanted} une fois, comme contacts/{wanted}",
        ),
    ),
    "source-place-unknown": (
        ("'{place}' is no place in an event", "« {place} » n’est pas un endroit d’un événement"),
        ("write one of {choices}", "écrivez l’un de {choices}"),
    ),
    "source-consent-shapes": (
        (
            "it does not say where the customer's word is found",
            "on ne sait pas où se trouve ce que dit le client",
        ),
        ("give either `place` or `event`", "donnez soit `place`, soit `event`"),
    ),
    "source-consent-channels": (
        ("the customer's word is about no channel", "ce que dit le client ne concerne aucun canal"),
        ("name one or more, such as email", "citez-en un ou plusieurs, comme email"),
    ),
    "source-consent-purposes": (
        (
            "`purposes` and `vendor` are read from TC strings, and these are read by `purposes`",
            "`purposes` et `vendor` se lisent dans une chaîne TC, et celle-ci se lit par `purposes`",
        ),
        (
            "give `purposes` together with `reads: tcf` or `reads: gpp`, and else neither of the two",
            "donnez `purposes` avec `reads: tcf` ou `reads: gpp`, et sinon aucun des deux",
        ),
    ),
    "source-answer-shapes": (
        (
            "an answer to a survey needs `question` and `answer`, and nothing else has them",
            "une réponse à une enquête demande `question` et `answer`, et rien d’autre ne les porte",
        ),
        (
            "give `type: answered` with both, such as `question: nps` and `answer: properties.score`",
            "donnez `type: answered` avec les deux, comme `question: nps` et `answer: properties.score`",
        ),
    ),
    "source-fact-unknown": (
        ("'{fact}' is no fact that an event may change", "« {fact} » n’est pas un fait qu’un événement peut changer"),
        ("write one of {choices}", "écrivez l’un de {choices}"),
    ),
}
