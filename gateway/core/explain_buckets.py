"""Where each limit, cap, gap, score and sequence stood that a call was to take from. English and French."""

from collections.abc import Iterator
from typing import Final

from gateway.core.record import BucketAsk, BucketLook, Outcome, Record
from gateway.core.texts import amount, saying, span

_TEXTS: Final = {
    "limit-granted": (
        "{limit} ({by}): {used} of {capacity} within {period}, this call included.",
        "{limit} ({by}) : {used} sur {capacity} en {period}, cet appel compris.",
    ),
    "limit-untaken": (
        "{limit} ({by}): {used} of {capacity} within {period}; it would have let the call through.",
        "{limit} ({by}) : {used} sur {capacity} en {period} ; l’appel y aurait trouvé place.",
    ),
    "limit-refused": (
        "{limit} ({by}): {used} of {capacity} within {period} were used up; free again in {wait}.",
        "{limit} ({by}) : {used} sur {capacity} en {period}, plus de place ; de nouveau libre dans {wait}.",
    ),
    "limit-waived": (
        "{limit} ({by}): {used} of {capacity} within {period}; a person has let the call through all the same.",
        "{limit} ({by}) : {used} sur {capacity} en {period} ; une personne a laissé passer l’appel malgré tout.",
    ),
    "limit-closed": ("{limit} ({by}) lets nothing through.", "{limit} ({by}) ne laisse rien passer."),
    "concurrency-granted": (
        "{limit} ({by}): {used} of {capacity} calls at a time, this one included.",
        "{limit} ({by}) : appels simultanés, {used} sur {capacity}, celui-ci compris.",
    ),
    "concurrency-untaken": (
        "{limit} ({by}): {used} of {capacity} calls at a time; it would have let the call through.",
        "{limit} ({by}) : appels simultanés, {used} sur {capacity} ; l’appel y aurait trouvé place.",
    ),
    "concurrency-refused": (
        "{limit} ({by}): {used} of {capacity} calls were running already.",
        "{limit} ({by}) : appels déjà en cours, {used} sur {capacity}.",
    ),
    "gap-granted": (
        "{limit} ({by}): no contact within {period} before.",
        "{limit} ({by}) : aucune sollicitation en {period} auparavant.",
    ),
    "gap-refused": (
        "{limit} ({by}): the contact before was less than {period} ago; free again in {wait}.",
        "{limit} ({by}) : la sollicitation précédente datait de moins de {period} ; de nouveau libre dans {wait}.",
    ),
    "outranked": (
        "{limit} ({by}): the last of {capacity} is kept for {other}; free again in {wait}.",
        "{limit} ({by}) : la dernière place sur {capacity} est réservée à {other} ; de nouveau libre dans {wait}.",
    ),
    "sequence-granted": (
        "{limit} ({by}): nothing within {period} before that this may not follow on.",
        "{limit} ({by}) : en {period} auparavant, rien que cet appel ne puisse suivre.",
    ),
    "sequence-refused": (
        "{limit} ({by}): {other} was less than {period} ago; free again in {wait}.",
        "{limit} ({by}) : {other} datait de moins de {period} ; de nouveau libre dans {wait}.",
    ),
    "trail": (
        "{limit} ({by}): the call was noted as a first step.",
        "{limit} ({by}) : l’appel a été noté comme première étape.",
    ),
    "score-granted": (
        "Contact pressure ({by}) stood at {used}, this contact ({cost}) included.",
        "La pression ({by}) était de {used}, cette sollicitation ({cost}) comprise.",
    ),
    "score-untaken": ("Contact pressure ({by}) stood at {used}.", "La pression ({by}) était de {used}."),
    "score-refused": (
        "Contact pressure ({by}) stood at {used} of {capacity}, and this adds {cost}; low enough in {wait}.",
        "La pression ({by}) était de {used} sur {capacity}, et ceci ajoute {cost} ; assez basse dans {wait}.",
    ),
    "watch": (
        "{sentence} It only watches, and refuses nothing.",
        "{sentence} Ce seuil ne fait qu’observer, et ne refuse rien.",
    ),
    "unasked": (
        "It would have had to find room in {limits}; how these stood was not asked any more.",
        "Il aurait dû trouver place dans {limits} ; leur état n’a plus été consulté.",
    ),
}
_say: Final = saying(_TEXTS)


def explain_buckets(record: Record, outcome: Outcome, *, language: str) -> Iterator[str]:
    """How each bucket stood, in their order; which were not asked, because the call was over before."""
    for ask, look in zip(record.buckets, outcome.looks, strict=False):
        if ask.kind != "trail" or outcome.granted:  # where nothing is taken, no step is noted
            yield _bucket(ask, look, taken=outcome.granted, language=language)
    asked = record.rule in {ask.limit for ask in record.buckets}  # by an earlier decision about the same call
    if record.buckets and not outcome.looks and not outcome.granted and not asked:
        limits = ", ".join(dict.fromkeys(ask.limit for ask in record.buckets))
        yield _say("unasked", language=language, limits=limits)


def standing(ask: BucketAsk, look: BucketLook, *, language: str) -> dict[str, str]:
    """What sentences about a bucket are filled with, whether they say how it stood or what must change."""
    return {
        "by": ask.by,
        "used": amount(look.used, kind=ask.kind, language=language),
        "capacity": amount(ask.capacity, kind=ask.kind, language=language),
        "cost": amount(ask.cost, kind=ask.kind, language=language),
        "period": span(ask.period_ms, language=language),
        "other": f"decisions/{look.other}",
    }


def _bucket(ask: BucketAsk, look: BucketLook, *, taken: bool, language: str) -> str:
    wait = span(max(0, look.wait_ms), language=language)
    values = standing(ask, look, language=language) | {"limit": ask.limit, "wait": wait}
    waived = ask.mode == "waived" and look.wait_ms != 0
    sentence = _say("limit-waived" if waived else _key(ask.kind, look, taken=taken), language=language, **values)
    if ask.mode == "monitor" and look.wait_ms != 0:
        return _say("watch", language=language, sentence=sentence)
    return sentence


def _key(kind: str, look: BucketLook, *, taken: bool) -> str:
    """Which sentence says how a bucket stood; most kinds share theirs."""
    if kind == "trail":
        return "trail"
    if kind == "cap" and look.other:
        return "outranked"
    if look.wait_ms < 0:
        return "limit-closed"
    end = "refused" if look.wait_ms > 0 else "granted" if taken else "untaken"
    for key in (f"{kind}-{end}", f"{kind}-granted"):
        if key in _TEXTS and (end != "refused" or key.endswith(end)):
            return key
    return f"limit-{end}"
