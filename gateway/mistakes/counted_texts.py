"""Mistakes of what is counted: limits, caps, sequences and cells; what it is and how to mend it, in both languages."""

from typing import Final

_SHAPES: Final = (
    "give one of `rate`, `max` with `window` or `calendar`, `concurrent`, `quota` with `max`",
    "donnez l’un de `rate`, `max` avec `window` ou `calendar`, `concurrent`, `quota` avec `max`",
)
_TIME: Final = ("give either `window` or `calendar`", "donnez soit `window`, soit `calendar`")
_ZONE: Final = ("there is no time zone '{zone}'", "il n’existe pas de fuseau horaire « {zone} »")
TEXTS: Final = {
    "name-of-score": (
        (
            "the name '{name}' is taken by the score of contact pressure",
            "le nom « {name} » est pris par le score de pression",
        ),
        ("choose another name", "choisissez un autre nom"),
    ),
    "name-taken-by": (
        ("the name '{name}' is taken by {by}", "le nom « {name} » est pris par {by}"),
        ("choose another name for {one} or for {other}", "choisissez un autre nom pour {one} ou pour {other}"),
    ),
    "zone-unknown": (
        _ZONE,
        ('write an IANA name, such as "Europe/Paris"', 'écrivez un nom IANA, comme "Europe/Paris"'),
    ),
    "zone-unknown-or-subject": (
        _ZONE,
        (
            'write an IANA name, such as "Europe/Paris", or "subject"',
            'écrivez un nom IANA, comme "Europe/Paris", ou "subject"',
        ),
    ),
    "limit-shapes": (
        (
            "the limit '{name}' must say in one way how much is allowed",
            "la limite « {name} » doit dire d’une seule façon ce qu’elle admet",
        ),
        _SHAPES,
    ),
    "limit-timeless": (
        ("the limit '{name}' needs a time to count in", "la limite « {name} » doit dire sur quelle durée compter"),
        _TIME,
    ),
    "limit-needs-max": (("`{field}` goes with `max` only", "`{field}` ne va qu’avec `max`"), _SHAPES),
    "limit-of-zones": (
        (
            "the limit counts customers of several zones together",
            "la limite compte ensemble des clients de plusieurs fuseaux horaires",
        ),
        (
            'count `by` subject too, or name a zone such as "Europe/Paris"',
            'ajoutez subject à `by`, ou indiquez un fuseau comme "Europe/Paris"',
        ),
    ),
    "quota-either": (
        (
            "the upstream tells either what is used or what remains",
            "le système en aval dit soit ce qui est utilisé, soit ce qui reste",
        ),
        ("give `used` or `remaining`", "donnez `used` ou `remaining`"),
    ),
    "quota-costs": (
        ("an upstream counts calls, not costs", "un système en aval compte des appels, pas des coûts"),
        ("remove `cost`, or make it another limit", "retirez `cost`, ou faites-en une autre limite"),
    ),
    "quota-pattern": (
        ("the pattern finds no number", "le motif ne trouve aucun nombre"),
        (
            "write a regular expression whose first group is the number, such as ([0-9]+)",
            "écrivez une expression régulière dont le premier groupe est le nombre, comme ([0-9]+)",
        ),
    ),
    "quota-priority": (
        ("'{priority}' is no priority", "« {priority} » n’est pas une priorité"),
        (
            "name each priority of the agents, 0 to 99, in quotes",
            "écrivez chaque priorité des agents, de 0 à 99, entre guillemets",
        ),
    ),
    "cap-timeless": (
        ("the cap '{name}' needs a time to count in", "le plafond « {name} » doit dire sur quelle durée compter"),
        _TIME,
    ),
    "cap-downgrade": (
        ("a downgrade needs a channel", "un repli demande un canal"),
        ("name it in `downgrade_to`", "indiquez-le dans `downgrade_to`"),
    ),
    "cap-downgrades-to-itself": (
        ("'{channel}' is under the same cap", "« {channel} » est soumis au même plafond"),
        (
            "name a channel that the cap does not cover, and list those it covers in `channels`",
            "indiquez un canal que le plafond ne couvre pas, et ceux qu’il couvre dans `channels`",
        ),
    ),
    "cap-category-twice": (
        ("'{category}' is listed twice", "« {category} » figure deux fois"),
        ("name each category once", "citez chaque catégorie une seule fois"),
    ),
    "sequence-shapes": (
        (
            "the sequence '{name}' must say in one way what it is about",
            "la séquence « {name} » doit dire d’une seule façon sur quoi elle porte",
        ),
        (
            'give `by` ("subject" or "agent"), or `key`, an expression that names the thing',
            'donnez `by` ("subject" ou "agent"), ou `key`, une expression qui désigne la chose',
        ),
    ),
    "sequence-of-itself": (
        ("an agent is never another one than itself", "un agent n’est jamais un autre que lui-même"),
        (
            "count by subject or key, or by the same agent",
            "comptez par personne ou par clé, ou par le même agent",
        ),
    ),
    "cells-sequence": (
        (
            "the steps of '{name}' may lie in different cells, where one cannot see the other",
            "les étapes de « {name} » peuvent se trouver dans des cellules différentes, qui ne se voient pas",
        ),
        (
            "count it by subject, or give {tenant} one cell",
            "comptez-la par personne, ou donnez une seule cellule à {tenant}",
        ),
    ),
    "cells-holds": (
        (
            "{most} calls may wait at a time, too few for {cells} cells",
            "{most} appels peuvent attendre à la fois, trop peu pour {cells} cellules",
        ),
        (
            "let {cells} or more wait, or give {tenant} fewer cells",
            "admettez-en {cells} ou plus, ou donnez moins de cellules à {tenant}",
        ),
    ),
    "cells-limit": (
        (
            "the limit '{name}' {what}, too few for {cells} cells",
            "la limite « {name} » {what}, trop peu pour {cells} cellules",
        ),
        (
            "give it {more}, count it by subject, or give {tenant} fewer cells",
            "donnez-lui {more}, comptez-la par personne, ou donnez moins de cellules à {tenant}",
        ),
    ),
}
