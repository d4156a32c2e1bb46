"""What must change in a limit, cap, gap, score or sequence for a call to pass, in plain words. English and French."""

from typing import Final

from gateway.core.explain_buckets import standing
from gateway.core.obstacles import Obstacle
from gateway.core.texts import amount, moment, saying

_TEXTS: Final = {
    "bucket": (
        "{name} ({by}) must have room ({used} of {capacity} within {period}, {over} too many): from {free} on.",
        "{name} ({by}) doit avoir de la place ({used} sur {capacity} en {period}, {over} de trop) : dès le {free}.",
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
        "La sollicitation précédente ({name}, {by}) doit remonter à {period} : dès le {free}.",
    ),
    "bucket-outranked": (
        "The last contact of {name} ({by}) must not be kept for {other} any more, at the latest on {free}.",
        "La dernière sollicitation de {name} ({by}) ne doit plus être réservée à {other}, au plus tard le {free}.",
    ),
    "bucket-sequence": (
        "{other} must be {period} ago ({name}, {by}): from {free} on.",
        "{other} doit remonter à {period} ({name}, {by}) : dès le {free}.",
    ),
    "bucket-score": (
        "The contact pressure ({by}: {used} of {capacity}, this adds {cost}) must fall by {over}: from {free} on.",
        "La pression ({by} : {used} sur {capacity}, ceci ajoute {cost}) doit baisser de {over} : dès le {free}.",
    ),
}
_say: Final = saying(_TEXTS)


def bucket_must(each: Obstacle, *, language: str) -> str:
    """The obstacle of a bucket, as a sentence."""
    ask, look = each.ask, each.look
    assert ask is not None and look is not None  # noqa: PT018, S101 - of a bucket both are there
    values = standing(ask, look, language=language) | {
        "name": each.name,
        "over": amount(each.over, kind=ask.kind, language=language),
        "free": moment(each.free_ms, language=language),
    }
    return _say(_bucket_key(each), language=language, **values)


def _bucket_key(each: Obstacle) -> str:
    ask, look = each.ask, each.look
    assert ask is not None and look is not None  # noqa: PT018, S101 - of a bucket both are there
    if look.wait_ms < 0:
        return "bucket-closed" if ask.capacity == 0 else "bucket-large"
    if ask.kind == "cap" and look.other:
        return "bucket-outranked"
    own = {"concurrency": "bucket-running"}.get(ask.kind, f"bucket-{ask.kind}")
    return own if own in _TEXTS else "bucket"
