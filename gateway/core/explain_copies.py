"""What came of copies of a call, in plain words. English and French, after what is said of the call itself."""

from collections.abc import Iterable
from typing import Final

from gateway.core.record import Verdict
from gateway.core.shadows import Difference, ShadowResult
from gateway.core.texts import LANGUAGES, fill, number

_TEXTS: Final = {
    "AGREED": (
        "A shadow copy for {target} came to the same.",
        "Une copie fantôme pour {target} a abouti au même résultat.",
    ),
    "DIFFERED": (
        "A shadow copy for {target} came to something else.",
        "Une copie fantôme pour {target} a abouti à un autre résultat.",
    ),
    "FAILED": (
        "A copy for {target} failed with {status}.",
        "Une copie pour {target} a échoué avec {status}.",
    ),
    "SENT": ("A copy was sent to {target}.", "Une copie a été envoyée à {target}."),
    "REFUSED": (
        "A copy for {target} was not sent: the rules do not allow it there.",
        "Une copie pour {target} n’a pas été envoyée : les règles ne l’y autorisent pas.",
    ),
    "STOPPED": (
        "A copy for {target} met the stop {stop}.",
        "Une copie pour {target} a rencontré la suspension {stop}.",
    ),
    "DROPPED": (
        "A copy for {target} was dropped: too many were waiting, or the gateway was stopping.",
        "Une copie pour {target} a été abandonnée : trop de copies attendaient, ou la passerelle s’arrêtait.",
    ),
    "unsent": (
        "It was only decided about, and sent to nobody.",
        "Elle n’a été que décidée, sans être envoyée.",
    ),
    "refused": ("There {rule} would have refused it.", "Là, {rule} l’aurait refusée."),
    "refused-plain": (
        "There no rule would have allowed it.",
        "Là, aucune règle ne l’aurait autorisée.",
    ),
    "rules": (
        "Rules that applied on one side only: {rules}.",
        "Règles appliquées d’un seul côté : {rules}.",
    ),
    "status": (
        "Its upstream said {status}, that of the call {served}.",
        "Son système a répondu {status}, celui de l’appel {served}.",
    ),
    "answered": ("There {answered} answered.", "Là, {answered} a répondu."),
    "fields": ("Differences: {fields}.", "Différences : {fields}."),
    "more": ("{count} further fields differ.", "{count} autres champs diffèrent."),
    "took": (
        "Its upstream took {took}, that of the call {served}.",
        "Son système a pris {took}, celui de l’appel {served}.",
    ),
    "missing": ("missing", "absent"),
    "added": ("added", "ajouté"),
    "changed": ("changed", "modifié"),
    "whole": ("the whole reply", "la réponse entière"),
}


def explain_copies(copies: Iterable[ShadowResult], *, language: str = "en") -> tuple[str, ...]:
    """The copies as sentences, one after the other."""
    return tuple(sentence for copy in copies for sentence in _copy(copy, language))


def _copy(copy: ShadowResult, language: str) -> list[str]:
    """What came of a copy of the call."""
    values = {
        "target": copy.arm + (f" ({copy.version})" if copy.version else ""),
        "status": copy.status,
        "served": copy.served_status,
        "stop": copy.stop,
        "answered": copy.answered,
        "rule": copy.rule,
        "rules": ", ".join((*copy.rules_added, *copy.rules_missing)),
    }
    keys = [f"{copy.end}"]
    if copy.verdict and copy.verdict != Verdict.ALLOW:
        keys.append("refused" if copy.rule else "refused-plain")
    elif copy.verdict and not copy.sent and copy.kind == "shadow":
        keys.append("unsent")
    keys += ["rules"] * bool(values["rules"])
    keys += ["status"] * bool(copy.compared and copy.status != copy.served_status)
    keys += ["answered"] * bool(copy.answered)
    lines = [_say(key, language, values) for key in keys]
    if copy.differences:
        fields = ", ".join(_difference(each, language) for each in copy.differences)
        lines.append(_say("fields", language, {"fields": fields}))
    if copy.more:
        lines.append(_say("more", language, {"count": str(copy.more)}))
    if copy.sent and copy.took_us:
        spans = {"took": _milliseconds(copy.took_us, language), "served": _milliseconds(copy.served_us, language)}
        lines.append(_say("took", language, spans))
    return lines


def _difference(found: Difference, language: str) -> str:
    """One place, such as "score (changed, 12 %)"."""
    path = found.path or _say("whole", language, {})
    by = f", {number(100 * found.relative, digits=2, language=language)} %" if found.relative else ""
    times = f", {found.count}x" if found.count > 1 else ""
    return f"{path} ({_say(found.kind, language, {})}{by}{times})"


def _milliseconds(us: int, language: str) -> str:
    return f"{number(us / 1000, digits=2, language=language)} ms"


def _say(key: str, language: str, values: dict[str, str]) -> str:
    return fill(_TEXTS[key][LANGUAGES.index(language)], values)
