"""Mistakes of rules, hours, consents and records: what it is and how to mend it, each in English and French."""

from typing import Final

_HINT: Final = ("{hint}", "{hint}")
TEXTS: Final = {
    "rule-covers-nothing": (
        ("the rule '{name}' covers no described method", "la règle « {name} » ne couvre aucune méthode décrite"),
        ("widen it, or remove it", "élargissez-la, ou retirez-la"),
    ),
    "part-covers-nothing": (
        ("{part} covers no described method", "{part} ne couvre aucune méthode décrite"),
        ("widen `methods` and `operations`", "élargissez `methods` et `operations`"),
    ),
    "rule-holds-streams": (
        (
            "the rule '{name}' holds streams only, and a stream cannot be kept",
            "la règle « {name} » ne met en attente que des flux, et un flux ne peut pas être conservé",
        ),
        (
            "deny them, or widen it to methods that are no streams",
            "refusez-les, ou étendez-la à des méthodes qui ne sont pas des flux",
        ),
    ),
    "hold-reason": (
        (
            "the rule '{name}' holds calls, so it has no reason to refuse",
            "la règle « {name} » met des appels en attente : elle n’a pas de motif de refus",
        ),
        ("remove `reason`, or deny", "retirez `reason`, ou écrivez deny"),
    ),
    "hold-retry": (
        (
            "the rule '{name}' holds calls until somebody decides, however long that takes",
            "la règle « {name} » met des appels en attente jusqu’à ce que quelqu’un décide, quel que soit le délai",
        ),
        ("remove `retry_after`, or deny", "retirez `retry_after`, ou écrivez deny"),
    ),
    "placeholder-unknown": (("nothing fills in '{{name}}'", "rien ne remplace « {{name}} »"), _HINT),
    "redaction-of-none": (
        (
            "`{field}` says what is redacted, but this rule redacts nothing",
            "`{field}` dit ce qui est masqué, mais cette règle ne masque rien",
        ),
        ("remove it, or write `effect: redact`", "retirez-le, ou écrivez `effect: redact`"),
    ),
    "redaction-on-error": (
        (
            "a rule that redacts nothing cannot redact when it fails",
            "une règle qui ne masque rien ne peut pas masquer quand elle échoue",
        ),
        ("write deny or allow", "écrivez deny ou allow"),
    ),
    "redaction-empty": (
        ("the rule '{name}' does not say what it redacts", "la règle « {name} » ne dit pas ce qu’elle masque"),
        (
            "add `fields` with the paths of what is taken out, or `sensitivity`",
            "ajoutez `fields` avec les chemins de ce qui est masqué, ou `sensitivity`",
        ),
    ),
    "redaction-untouched": (
        (
            "{side} of the methods it covers has a field annotated {level} or above",
            "{side} des méthodes qu’elle couvre n’a de champ annoté {level} ou plus",
        ),
        (
            "name what is to be redacted in `fields`, or widen `methods`",
            "indiquez dans `fields` ce qui doit être masqué, ou élargissez `methods`",
        ),
    ),
    "redaction-governs": (
        ("'{field}' governs the call through '{governs}'", "« {field} » gouverne l’appel par « {governs} »"),
        (
            "leave it: what decides about the call, and what the upstream acts by, must be the same {scope}",
            "laissez-le : ce qui décide de l’appel et ce sur quoi agit le système en aval doivent être identiques {scope}",
        ),
    ),
    "redaction-no-text": (
        (
            "'{field}' is no text, so nothing can stand in its place",
            "« {field} » n’est pas un texte : rien ne peut le remplacer",
        ),
        (
            "leave out `with` for it, in a rule of its own {scope}",
            "masquez-le par une règle à part, sans `with` {scope}",
        ),
    ),
    "redaction-sensitive": (
        (
            "'{governs}' governs the call, and its field '{name}' is as sensitive as that",
            "« {governs} » gouverne l’appel, et son champ « {name} » est aussi sensible que cela",
        ),
        ("name what is to be redacted in `fields` {scope}", "indiquez dans `fields` ce qui doit être masqué {scope}"),
    ),
    "redaction-keys": (
        (
            "'{name}' in '{field}' is a map whose keys are no texts",
            "« {name} » dans « {field} » est une table dont les clés ne sont pas des textes",
        ),
        ("write {name}.* for all of them {scope}", "écrivez {name}.* pour les désigner toutes {scope}"),
    ),
    "redaction-after-value": (
        ("'{field}' goes on after a value", "« {field} » continue après une valeur"),
        ("end it before '{name}' {scope}", "arrêtez-le avant « {name} » {scope}"),
    ),
    "redaction-unknown": (
        (
            "'{name}' in '{field}' is no field of {message}",
            "« {name} » dans « {field} » n’est pas un champ de {message}",
        ),
        ("{hint} {scope}", "{hint} {scope}"),
    ),
    "hours-never-open": (
        ("the quiet hours '{name}' never open", "les heures calmes « {name} » n’ouvrent jamais"),
        (
            "list at least one part of a day, or deny by a rule",
            "indiquez au moins une plage de la journée, ou refusez par une règle",
        ),
    ),
    "hours-reversed": (
        ("{start} is not before {end}", "{start} n’est pas avant {end}"),
        (
            "end it later than it begins; what crosses midnight is two parts",
            "faites-la finir après son début ; ce qui passe minuit forme deux plages",
        ),
    ),
    "hours-keep-nothing": (
        (
            "the quiet hours '{name}' keep no call, so none is kept too long",
            "les heures calmes « {name} » ne retiennent aucun appel : aucun n’est retenu trop longtemps",
        ),
        ("write `on_hit: defer`, or remove `max_defer`", "écrivez `on_hit: defer`, ou retirez `max_defer`"),
    ),
    "holidays-unknown": (
        ("no holidays are known for '{country}'", "aucun jour férié n’est connu pour « {country} »"),
        ('write an ISO 3166 code, such as "FR"', 'écrivez un code ISO 3166, comme "FR"'),
    ),
    "consent-without-basis": (
        (
            "the consent '{name}' accepts no basis, so nothing could ever be sent",
            "le consentement « {name} » n’admet aucune base légale : rien ne pourrait jamais être envoyé",
        ),
        (
            "list the legal bases that suffice, or leave it out for [consent]",
            "indiquez les bases légales suffisantes, ou retirez le champ pour [consent]",
        ),
    ),
    "withhold-unknown": (
        (
            "`{name}` is no name of a request field, a fact, or of the call's subject or contact point",
            "« {name} » n’est le nom ni d’un champ de requête, ni d’un fait, ni du sujet ou du point de contact de l’appel",
        ),
        (
            'write it as conditions do, such as request.message.body, facts.traits["income"] or call.subject',
            'écrivez-le comme dans les conditions : request.message.body, facts.traits["income"] ou call.subject',
        ),
    ),
    "withhold-no-fact": (
        ("`{name}` is no fact that rules know", "« {name} » n’est pas un fait connu des règles"),
        (
            'write it as conditions do, such as request.message.body, facts.traits["income"] or call.subject',
            'écrivez-le comme dans les conditions : request.message.body, facts.traits["income"] ou call.subject',
        ),
    ),
    "rate-of-itself": (
        (
            "amounts are reported in {currency}, so it is worth 1 of itself",
            "les montants sont présentés en {currency} : son taux est toujours 1",
        ),
        ("remove this rate", "retirez ce taux"),
    ),
    "rate-zero": (
        (
            "by this rate every amount in {currency} is worth nothing",
            "avec ce taux, tout montant en {currency} vaut zéro",
        ),
        (
            'write what one {currency} is worth, such as "0.92"; without a rate such amounts are counted apart',
            'indiquez ce que vaut un {currency}, comme "0.92" ; sans taux, ces montants sont comptés à part',
        ),
    ),
    "retention-covers-nothing": (
        (
            "the class '{name}' covers no described method",
            "la classe de conservation « {name} » ne couvre aucune méthode décrite",
        ),
        ("widen it, or remove it", "élargissez-la, ou retirez-la"),
    ),
}
