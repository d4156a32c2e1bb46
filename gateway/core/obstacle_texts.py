"""What would have to change for a call to pass, in plain words. English and French, after what is said of the call."""

from collections.abc import Sequence
from typing import Final

from gateway.core.obstacle_buckets import bucket_must
from gateway.core.obstacle_reasons import reason_must
from gateway.core.obstacles import Condition, Obstacle, free_ms
from gateway.core.terms import basis_named, channel_named
from gateway.core.texts import LANGUAGES, day, fill, moment

_TEXTS: Final = {
    "begin": ("For it to pass:", "Pour que l’appel passe :"),
    "rule": (
        "The rule {name} must not apply to it any more.",
        "La règle {name} ne doit plus s’y appliquer.",
    ),
    "failed": (
        "The rule {name} must be repaired, since what cannot be evaluated denies: {error}.",
        "La règle {name} doit être corrigée, car ce qui ne peut être évalué est refusé : {error}.",
    ),
    "condition": (
        "It applies where {when}, and so looks at {reads}.",
        "Elle s’applique si {when}, et regarde donc {reads}.",
    ),
    "condition-always": ("It applies to every call of its methods.", "Elle s’applique à tout appel de ses méthodes."),
    "unallowed": (
        "A rule must allow it, and none did.",
        "Une règle doit l’autoriser, et aucune ne l’a fait.",
    ),
    "unallowed-none": (
        "A rule must allow it, and the policy has none for this method.",
        "Une règle doit l’autoriser, et la politique n’en contient aucune pour cette méthode.",
    ),
    "would-allow": (
        "The rule {rule} would, where {when}; so it looks at {reads}.",
        "La règle {rule} le ferait si {when} ; elle regarde donc {reads}.",
    ),
    "lineage": (
        "It must name a recent inference of a model version that is in the policy.",
        "Il doit citer une inférence récente d’une version de modèle présente dans la politique.",
    ),
    "holdout": (
        "The customer must not be in the control group {name}: while it lasts, they are left alone.",
        "Le client ne doit pas faire partie du groupe témoin {name} : tant qu’il dure, on le laisse tranquille.",
    ),
    "consent-none": (
        "The customer must agree to {purpose} by {channel} ({name}).",
        "Le client doit accepter d’être sollicité par {channel} (objet : {purpose}, {name}).",
    ),
    "consent-unknown": (
        "It must be readable whether the customer has agreed to {purpose} by {channel} ({name}): retry.",
        "On doit pouvoir lire si le client accepte d’être sollicité par {channel} (objet : {purpose}, {name}) : réessayez.",
    ),
    "consent-refused": (
        "The customer refused {purpose} by {channel} on {since}, and must have agreed to it since ({name}).",
        "Le client a refusé le {since} d’être sollicité par {channel} (objet : {purpose}) ; il doit l’avoir accepté depuis ({name}).",
    ),
    "consent-withdrawn": (
        "The customer withdrew the consent to {purpose} by {channel} on {since}, and must give it anew ({name}).",
        "Le client a retiré le {since} son accord pour {channel} (objet : {purpose}) ; il doit le donner de nouveau ({name}).",
    ),
    "consent-expired": (
        "The customer must agree anew to {purpose} by {channel}: the consent of {since} is too old ({name}).",
        "Le client doit renouveler son accord pour {channel} (objet : {purpose}) : celui du {since} est trop ancien ({name}).",
    ),
    "consent-silence": (
        "The silence after the customer’s refusal must be over, on {free}; the consent is there ({name}).",
        "Le délai de silence après le refus du client doit être écoulé, le {free} ; l’accord est là ({name}).",
    ),
    "bases": (
        "Accepted as its legal basis: {bases}.",
        "Bases légales admises : {bases}.",
    ),
    "quiet": (
        "It must wait for the quiet hours {name} to end, on {free}.",
        "Il doit attendre la fin des heures calmes {name}, le {free}.",
    ),
    "quiet-never": (
        "The quiet hours {name} never end for this customer, or nobody knows the customer’s time zone.",
        "Les heures calmes {name} ne finissent jamais pour ce client, ou son fuseau horaire est inconnu.",
    ),
    "hold": (
        "A person must approve it, as {name} asks.",
        "Une personne doit l’approuver, comme le demande {name}.",
    ),
    "level": (
        "A person must approve it: the agent may not do this by itself.",
        "Une personne doit l’approuver : l’agent ne peut pas le faire seul.",
    ),
    "who": (
        "Whoever decides about holds can do so: pilote holds approve holds/{hold}.",
        "Toute personne chargée des appels retenus peut le faire : pilote holds approve holds/{hold}.",
    ),
    "observed": (
        "The agent must be given more autonomy: it only observes such calls.",
        "L’agent doit recevoir plus d’autonomie : il ne fait qu’observer ces appels.",
    ),
    "lacking": (
        "The call must say what the limit {name} counts by.",
        "L’appel doit préciser ce par quoi compte la limite {name}.",
    ),
    "stop": ("The stop {name} must be lifted.", "La suspension {name} doit être levée."),
    "earliest": (
        "By waiting alone it can pass from {free} on, if nothing else comes in between.",
        "En attendant seulement, il peut passer à partir du {free}, si rien d’autre ne survient d’ici là.",
    ),
    "patience": (
        "Waiting alone does not help.",
        "Attendre ne suffit pas.",
    ),
    "beyond": (
        "Decided once more without that, it would meet next:",
        "Rejoué sans cela, il rencontrerait ensuite :",
    ),
    "beyond-none": (
        "Decided once more without that, nothing else of the rules would stand in its way.",
        "Rejoué sans cela, plus rien dans les règles ne lui ferait obstacle.",
    ),
    "beyond-open": (
        "What would come after that cannot be said.",
        "Ce qui viendrait ensuite ne peut être dit.",
    ),
    "beyond-buckets": (
        "Then it would have to find room in {buckets}; how these stood then is not recorded.",
        "Il devrait alors trouver de la place dans {buckets} ; leur état d’alors n’est pas enregistré.",
    ),
    "now": (
        "What it had to wait for is over by now.",
        "Ce qu’il fallait attendre est passé depuis.",
    ),
}
_UNSAID: Final = ("contacts", "non précisé")


def explain_obstacles(found: Sequence[Obstacle], *, now_ms: int, language: str = "en") -> tuple[str, ...]:
    """The obstacles as sentences, in their order; none where there are none. `now_ms` is when they are read."""
    if not found:
        return ()
    lines = [_say("begin", language)]
    for each in found:
        lines += _obstacle(each, language)
    free = free_ms(tuple(found))
    if free:
        lines.append(_say("earliest" if free > now_ms else "now", language, free=moment(free, language=language)))
    elif not any(each.waits for each in found):
        lines.append(_say("patience", language))
    return tuple(lines)


def explain_beyond(
    found: Sequence[Obstacle], buckets: Sequence[str], *, known: bool, language: str = "en"
) -> tuple[str, ...]:
    """What comes behind the recorded obstacles. `known`: to the end; `buckets` are the limits that are asked then."""
    if not found and not known:
        return ()
    lines = [_say("beyond" if found else "beyond-none", language)]
    for each in found:
        lines += _obstacle(each, language)
    if not known:
        lines.append(_say("beyond-open", language))
    elif buckets:
        lines.append(_say("beyond-buckets", language, buckets=", ".join(buckets)))
    return tuple(lines)


def _obstacle(each: Obstacle, language: str) -> list[str]:
    match each.kind:
        case "bucket":
            return [bucket_must(each, language=language)]
        case "consent":
            return _consent(each, language)
        case "quiet_hours":
            free = moment(each.free_ms, language=language)
            return [_say("quiet" if each.free_ms else "quiet-never", language, name=each.name, free=free)]
        case "unallowed":
            lines = [_say("unallowed-none" if each.policy and not each.conditions else "unallowed", language)]
            return lines + [_condition("would-allow", condition, language) for condition in each.conditions]
        case "other":
            return [reason_must(each.reason, language=language)]
    lines = [_say(each.kind, language, name=each.name, error=each.error)]
    for condition in each.conditions:
        lines.append(_condition("condition", condition, language))
    if each.hold:
        lines.append(_say("who", language, hold=each.hold))
    return lines


def _condition(key: str, condition: Condition, language: str) -> str:
    if key == "condition" and not condition.reads:
        return _say("condition-always", language)
    reads = ", ".join(condition.reads) or "-"
    return _say(key, language, rule=condition.rule, when=condition.when, reads=reads)


def _consent(each: Obstacle, language: str) -> list[str]:
    values = {
        "name": each.name,
        "channel": channel_named(each.channel, language=language),
        "purpose": each.purpose or _UNSAID[LANGUAGES.index(language)],
        "since": day(each.since_ms, language=language),
        "free": moment(each.free_ms, language=language),
    }
    lines = [_say("consent-silence" if each.free_ms else f"consent-{each.standing}", language, **values)]
    if each.bases and not each.free_ms and each.standing != "unknown":
        lines.append(
            _say("bases", language, bases=", ".join(basis_named(base, language=language) for base in each.bases))
        )
    return lines


def _say(key: str, language: str, **values: str) -> str:
    return fill(_TEXTS[key][LANGUAGES.index(language)], values)
