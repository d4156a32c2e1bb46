"""What the page *Targeting* says."""

from typing import Final

TEXTS: Final = {
    "targeting": ("Targeting", "Ciblage"),
    "targeting-about": (
        "Which segments are contacted too much or never compared with everybody else, what brings it about, and a correction that can be tried.",
        "Quels segments sont trop sollicités ou jamais, comparés à tous les autres clients, ce qui en est la cause, et une correction à essayer.",
    ),
    "targeting-none": ("Nothing can be said yet", "Rien ne peut encore être dit"),
    "targeting-none-about": (
        "It is worked out once a day, of the four weeks before; segments are those that customers are in.",
        "Le calcul est fait une fois par jour, sur les quatre semaines précédentes ; les segments sont ceux des clients.",
    ),
    "targeting-weeks": (
        "Four weeks, {start} to {end}; {people} customers whom calls were about. Who is held out does not count, nor do transactional and legal contacts.",
        "Quatre semaines, du {start} au {end} ; {people} clients concernés par des appels. Le groupe témoin ne compte pas, ni les sollicitations transactionnelles et légales.",
    ),
    "targeting-proven": (
        "More or less often is said only where it is proven: of tenants whose segments do not matter, about one in twenty would have any that is told.",
        "« Plus souvent » ou « moins souvent » n’est dit que si c’est prouvé : parmi les locataires dont les segments n’importent pas, environ un sur vingt en aurait un de signalé.",
    ),
    "targeting-much": ("Contacted too much", "Trop sollicités"),
    "targeting-much-about": (
        "Too much: more contacts within any seven days than 95% of all others had at most.",
        "Trop : plus de sollicitations en sept jours que le maximum de 95 % de tous les autres.",
    ),
    "targeting-never": ("Never contacted", "Jamais sollicités"),
    "targeting-never-about": (
        "Never: no contact in these weeks, though calls were about the customer.",
        "Jamais : aucune sollicitation pendant ces semaines, alors que des appels concernaient le client.",
    ),
    "targeting-segments-none": (
        "No customer of these weeks is in a segment: facts have none.",
        "Aucun client de ces semaines n’est dans un segment : les faits n’en contiennent pas.",
    ),
    "targeting-segment": ("Segment", "Segment"),
    "targeting-standing": ("Compared with all others", "Comparé à tous les autres"),
    "targeting-standing-MORE": ("more often", "plus souvent"),
    "targeting-standing-LESS": ("less often", "moins souvent"),
    "targeting-standing-NOT_PROVEN": ("not proven", "non prouvé"),
    "targeting-standing-TOO_FEW": ("too few", "effectif trop faible"),
    "targeting-in": ("In the segment", "Dans le segment"),
    "targeting-others": ("All others", "Tous les autres"),
    "targeting-of": ("{events} of {people}", "{events} sur {people}"),
    "targeting-times": ("Times as often", "Rapport"),
    "targeting-ratio": ("{value} ({low} to {high})", "{value} (de {low} à {high})"),
    "targeting-at-least": ("at least {low}", "au moins {low}"),
    "targeting-few": ("too few", "effectif trop faible"),
    "targeting-ceiling": ("More than, in seven days", "Plus de, en sept jours"),
    "targeting-cause": ("Brought about by", "Cause"),
    "targeting-share": ("{low} to {high}", "de {low} à {high}"),
    "targeting-share-few": ("too few for an interval", "effectif trop faible pour un intervalle"),
    "targeting-agent": (
        "Agent {agent}: {part} of {whole} contacts beyond that ({share})",
        "Agent {agent} : {part} des {whole} sollicitations en trop ({share})",
    ),
    "targeting-agent-campaign": (
        "Agent {agent}, above all campaign {campaign}: {part} of {whole} contacts beyond that ({share})",
        "Agent {agent}, surtout la campagne {campaign} : {part} des {whole} sollicitations en trop ({share})",
    ),
    "targeting-untried": (
        "No agent tried: {part} of {whole} customers ({share})",
        "Aucun agent n’a essayé : {part} clients sur {whole} ({share})",
    ),
    "targeting-refused": (
        "{rule} ({reason}) refused most: {part} of {whole} customers ({share})",
        "{rule} ({reason}) a le plus refusé : {part} clients sur {whole} ({share})",
    ),
    "targeting-correction": ("Correction to try", "Correction à essayer"),
    "targeting-own-cap": (
        "A cap for the segment alone: {value} in seven days",
        "Un plafond pour ce seul segment : {value} en sept jours",
    ),
    "targeting-raise": ("{part} at {value}", "{part} à {value}"),
    "targeting-note": ("{part} only notes", "{part} constate seulement"),
    "targeting-try": ("Try it in what-if", "Essayer dans « Et si »"),
    "targeting-correction-none": ("none by the policy", "aucune par la politique"),
}
