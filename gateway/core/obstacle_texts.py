"""What would have to change for a call to pass, in plain words. English and French, after what is said of the call."""

from collections.abc import Sequence
from typing import Final

from gateway.core.errors import Reason
from gateway.core.obstacles import Condition, Obstacle, free_ms
from gateway.core.texts import LANGUAGES, amount, day, fill, moment, span

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
        "A person must approve it, as the rule {name} asks.",
        "Une personne doit l’approuver, comme le demande la règle {name}.",
    ),
    "level": (
        "A person must approve it: the agent may not do this by itself.",
        "Une personne doit l’approuver : l’agent ne peut pas le faire seul.",
    ),
    "who": (
        "Whoever decides about holds can do so: pilote holds approve {hold}.",
        "Toute personne chargée des appels retenus peut le faire : pilote holds approve {hold}.",
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
    "bucket": (
        "{name} ({by}) must have room ({used} of {capacity} within {period}, {over} too many): from {free} on.",
        "{name} ({by}) doit avoir de la place ({used} sur {capacity} en {period}, {over} de trop) : à partir du {free}.",
    ),
    "bucket-running": (
        "{name} ({by}) must have room: {used} of {capacity} calls were running, and one of them must end.",
        "{name} ({by}) doit avoir de la place : {used} appels sur {capacity} en cours, l’un doit se terminer.",
    ),
    "bucket-quota": (
        "The system behind the gateway must allow more calls ({name}): {used} are counted.",
        "Le système en aval doit permettre plus d’appels ({name}) : {used} sont comptés.",
    ),
    "bucket-closed": (
        "The policy must open {name} ({by}), which lets nothing through.",
        "La politique doit ouvrir {name} ({by}), qui ne laisse rien passer.",
    ),
    "bucket-large": (
        "It must take less of {name} ({by}): it takes {cost}, and there is never more than {capacity}.",
        "Il doit prendre moins de {name} ({by}) : il prend {cost}, et il n’y a jamais plus de {capacity}.",
    ),
    "bucket-gap": (
        "The contact before ({name}, {by}) must be {period} ago: from {free} on.",
        "La sollicitation précédente ({name}, {by}) doit remonter à {period} : à partir du {free}.",
    ),
    "bucket-outranked": (
        "The last contact of {name} ({by}) must not be kept for {other} any more, at the latest on {free}.",
        "La dernière sollicitation de {name} ({by}) ne doit plus être réservée à {other}, au plus tard le {free}.",
    ),
    "bucket-sequence": (
        "{other} must be {period} ago ({name}, {by}): from {free} on.",
        "{other} doit remonter à {period} ({name}, {by}) : à partir du {free}.",
    ),
    "bucket-score": (
        "The contact pressure ({by}: {used} of {capacity}, this adds {cost}) must fall by {over}: from {free} on.",
        "La pression ({by} : {used} sur {capacity}, ceci ajoute {cost}) doit baisser de {over} : à partir du {free}.",
    ),
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
_REASONS: Final = {
    Reason.AGENT_UNAUTHENTICATED: (
        "The caller must identify itself with a credential that the policy knows.",
        "L’appelant doit s’identifier par une clé ou un jeton que la politique connaît.",
    ),
    Reason.ARGUMENT_INVALID: (
        "The request must be corrected as the refusal says.",
        "La requête doit être corrigée comme l’indique le refus.",
    ),
    Reason.METHOD_UNDESCRIBED: (
        "Somebody must describe in the policy’s contracts how this method is governed.",
        "Quelqu’un doit décrire, dans les contrats de la politique, comment cette méthode est gouvernée.",
    ),
    Reason.ROUTE_NOT_FOUND: (
        "A route must serve this method or model.",
        "Une route doit desservir cette méthode ou ce modèle.",
    ),
    Reason.REVISION_MISSING: ("A policy must be active.", "Une politique doit être active."),
    Reason.STORE_UNAVAILABLE: (
        "The store of limits and records must answer: retry.",
        "Le registre des limites et des décisions doit répondre : réessayez.",
    ),
    Reason.DEADLINE_EXCEEDED: (
        "The caller must give it more time.",
        "L’appelant doit lui laisser plus de temps.",
    ),
    Reason.CANCELLED: ("The caller must not give up before.", "L’appelant ne doit pas renoncer avant."),
    Reason.DRAINING: (
        "It must be made again: the process was about to stop.",
        "Il doit être refait : le processus allait s’arrêter.",
    ),
    Reason.IDEMPOTENCY_KEY_REUSED: (
        "It must carry an idempotency key of its own.",
        "Il doit porter sa propre clé d’idempotence.",
    ),
    Reason.IDEMPOTENCY_KEY_RUNNING: (
        "The first call with its idempotency key must end.",
        "Le premier appel portant sa clé d’idempotence doit se terminer.",
    ),
    Reason.UPSTREAM_IN_DOUBT: (
        "Somebody must find out whether the first call has acted, before it is repeated with a new key.",
        "Il faut vérifier si le premier appel a agi, avant de le répéter avec une nouvelle clé.",
    ),
    Reason.HOLD_REFUSED: (
        "A person would have to decide otherwise: they refused it.",
        "Une personne devrait en décider autrement : elle l’a refusé.",
    ),
    Reason.HOLD_EXPIRED: (
        "It must be made anew: it was kept too long.",
        "Il doit être refait : il a été conservé trop longtemps.",
    ),
    Reason.DEFERRED: (
        "Nothing: it is kept, and made once its time has come.",
        "Rien : il est conservé, et sera fait le moment venu.",
    ),
}
_OTHERWISE: Final = (
    "What led to {reason} must not happen again.",
    "Ce qui a mené à {reason} ne doit pas se reproduire.",
)


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
            return _bucket(each, language)
        case "consent":
            return _consent(each, language)
        case "quiet_hours":
            free = moment(each.free_ms, language=language)
            return [_say("quiet" if each.free_ms else "quiet-never", language, name=each.name, free=free)]
        case "unallowed":
            lines = [_say("unallowed-none" if each.policy and not each.conditions else "unallowed", language)]
            return lines + [_condition("would-allow", condition, language) for condition in each.conditions]
        case "other":
            known = each.reason in Reason.__members__ and _REASONS.get(Reason(each.reason))
            return [fill((known or _OTHERWISE)[LANGUAGES.index(language)], {"reason": each.reason})]
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
        "channel": each.channel,
        "purpose": each.purpose or _UNSAID[LANGUAGES.index(language)],
        "since": day(each.since_ms, language=language),
        "free": moment(each.free_ms, language=language),
    }
    lines = [_say("consent-silence" if each.free_ms else f"consent-{each.standing}", language, **values)]
    if each.bases and not each.free_ms and each.standing != "unknown":
        lines.append(_say("bases", language, bases=", ".join(each.bases)))
    return lines


def _bucket(each: Obstacle, language: str) -> list[str]:
    ask, look = each.ask, each.look
    assert ask is not None and look is not None  # noqa: PT018, S101 - of a bucket both are there
    values = {
        "name": each.name,
        "by": ask.by,
        "used": amount(look.used, kind=ask.kind, language=language),
        "capacity": amount(ask.capacity, kind=ask.kind, language=language),
        "cost": amount(ask.cost, kind=ask.kind, language=language),
        "over": amount(each.over, kind=ask.kind, language=language),
        "period": span(ask.period_ms, language=language),
        "other": f"decisions/{look.other}",
        "free": moment(each.free_ms, language=language),
    }
    return [_say(_bucket_key(each), language, **values)]


def _bucket_key(each: Obstacle) -> str:
    ask, look = each.ask, each.look
    assert ask is not None and look is not None  # noqa: PT018, S101 - of a bucket both are there
    if look.wait_ms < 0:
        return "bucket-closed" if ask.capacity == 0 else "bucket-large"
    if ask.kind == "cap" and look.other:
        return "bucket-outranked"
    own = {"concurrency": "bucket-running"}.get(ask.kind, f"bucket-{ask.kind}")
    return own if own in _TEXTS else "bucket"


def _say(key: str, language: str, **values: str) -> str:
    return fill(_TEXTS[key][LANGUAGES.index(language)], values)
