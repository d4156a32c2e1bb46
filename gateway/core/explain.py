"""One decision in plain words: what was asked, which rules looked at it, where each limit stood, how it ended.

English and French; for people, so wording may change. Machines read the decision itself.
"""

from typing import Final

from gateway.core.limits import bucket_reason
from gateway.core.record import BucketAsk, BucketLook, Outcome, Record, RuleLook, Settlement, Verdict
from gateway.core.texts import LANGUAGES, fill, number, span

_TEXTS: Final = {
    "asked": ("{agent} asked for {method} ({operation}).", "{agent} a demandé {method} ({operation})."),
    "nobody": (
        "Somebody who could not be identified asked for {method}.",
        "Un appelant non identifié a demandé {method}.",
    ),
    "subject": ("It concerned the customer {subject}.", "L’appel concernait le client {subject}."),
    "contact": (
        "It was a contact by {channel}, category {category}.",
        "C’était une sollicitation par {channel}, catégorie {category}.",
    ),
    "route": ("It took the route {route} to {upstream}.", "Il a pris la route {route} vers {upstream}."),
    "version": (
        "Version {version} of the model {model} was to answer (arm {arm}).",
        "La version {version} du modèle {model} devait répondre (bras {arm}).",
    ),
    "revision": ("Revision {revision} decided.", "La révision {revision} a décidé."),
    "no-revision": ("No revision was active.", "Aucune révision n’était active."),
    "rule-allow": ("The rule {rule} allowed it.", "La règle {rule} l’a autorisé."),
    "rule-deny": ("The rule {rule} denied it.", "La règle {rule} l’a refusé."),
    "rule-redact": ("The rule {rule} had fields redacted.", "La règle {rule} a fait masquer des champs."),
    "watch-allow": (
        "The rule {rule} would have allowed it, but only watches.",
        "La règle {rule} l’aurait autorisé, mais elle ne fait qu’observer.",
    ),
    "watch-deny": (
        "The rule {rule} would have denied it, but only watches.",
        "La règle {rule} l’aurait refusé, mais elle ne fait qu’observer.",
    ),
    "watch-redact": (
        "The rule {rule} would have had fields redacted, but only watches.",
        "La règle {rule} aurait fait masquer des champs, mais elle ne fait qu’observer.",
    ),
    "watch-failed": (
        "The rule {rule} could not be evaluated, but only watches.",
        "La règle {rule} n’a pas pu être évaluée, mais elle ne fait qu’observer.",
    ),
    "failed-allow": (
        "The rule {rule} could not be evaluated and was left out.",
        "La règle {rule} n’a pas pu être évaluée et a été écartée.",
    ),
    "failed-deny": (
        "The rule {rule} could not be evaluated, and so denied it.",
        "La règle {rule} n’a pas pu être évaluée, elle l’a donc refusé.",
    ),
    "failed-redact": (
        "The rule {rule} could not be evaluated, and so had its fields redacted.",
        "La règle {rule} n’a pas pu être évaluée, elle a donc fait masquer ses champs.",
    ),
    "limit-granted": (
        "{limit} ({by}): {used} of {capacity} within {period}, this call included.",
        "{limit} ({by}) : {used} sur {capacity} en {period}, cet appel compris.",
    ),
    "limit-untaken": (
        "{limit} ({by}): {used} of {capacity} within {period}; it would have let the call through.",
        "{limit} ({by}) : {used} sur {capacity} en {period} ; elle aurait laissé passer l’appel.",
    ),
    "limit-refused": (
        "{limit} ({by}): {used} of {capacity} within {period} were used up; free again in {wait}.",
        "{limit} ({by}) : {used} sur {capacity} en {period} étaient déjà utilisés ; libre dans {wait}.",
    ),
    "limit-closed": ("{limit} ({by}) is closed.", "{limit} ({by}) est fermée."),
    "repeat": (
        "It repeated the decision {first} and got its answer.",
        "Il répétait la décision {first} et en a reçu la réponse.",
    ),
    "halted": ("It met the stop {stop}.", "Il a rencontré la suspension {stop}."),
    "allowed": ("The call was let through.", "L’appel a été autorisé."),
    "refused": ("The call was refused: {reason}.", "L’appel a été refusé : {reason}."),
    "settled": (
        "It ended with {status} after {total}, of which the gateway took {overhead}.",
        "Il s’est terminé par {status} après {total}, dont {overhead} pour la passerelle.",
    ),
    "in-doubt": (
        "Whether the system behind the gateway has acted is not known; what was taken stays taken.",
        "On ignore si le système en aval a agi ; ce qui a été pris le reste.",
    ),
    "gave-back": ("What it had taken was given back.", "Ce qu’il avait pris a été rendu."),
    "running": ("It has not ended yet.", "Il n’est pas encore terminé."),
    "trace": ("Its trace is {trace}.", "Sa trace est {trace}."),
}


def explain(
    record: Record, outcome: Outcome, *, settlement: Settlement | None, language: str = "en"
) -> tuple[str, ...]:
    """The decision as sentences, in the order in which things happened."""
    lines = _asked(record, language)
    lines += [_rule(look, language) for look in record.rules]
    lines += [
        _limit(ask, look, taken=outcome.granted, language=language)
        for ask, look in zip(record.buckets, outcome.looks, strict=False)
    ]
    lines += _ended(record, outcome, settlement, language)
    return tuple(lines)


def _asked(record: Record, language: str) -> list[str]:
    values = {
        "agent": record.agent,
        "method": record.method,
        "operation": record.operation,
        "subject": record.subject_ref,
        "channel": record.channel,
        "category": record.category or "-",
        "route": record.route,
        "upstream": record.upstream,
        "version": record.version,
        "model": record.model,
        "arm": record.arm,
        "revision": str(record.revision),
    }
    keys = ["asked" if record.agent else "nobody"]
    keys += ["subject"] * bool(record.subject_ref) + ["contact"] * bool(record.channel)
    keys += ["route"] * bool(record.route) + ["version"] * bool(record.model and record.route)
    keys += ["revision" if record.revision else "no-revision"]
    return [_say(key, language, values) for key in keys]


def _rule(look: RuleLook, language: str) -> str:
    if look.error and look.mode == "monitor":
        return _say("watch-failed", language, {"rule": look.rule})
    kind = "failed" if look.error else "watch" if look.mode == "monitor" else "rule"
    return _say(f"{kind}-{look.effect}", language, {"rule": look.rule})


def _limit(ask: BucketAsk, look: BucketLook, *, taken: bool, language: str) -> str:
    granting = "limit-granted" if taken else "limit-untaken"
    key = granting if look.wait_ms == 0 else "limit-refused" if look.wait_ms > 0 else "limit-closed"
    values = {
        "limit": ask.limit,
        "by": ask.by,
        "used": str(look.used),
        "capacity": str(ask.capacity),
        "period": span(ask.period_ms, language=language),
        "wait": span(max(0, look.wait_ms), language=language),
    }
    return _say(key, language, values)


def _ended(record: Record, outcome: Outcome, settlement: Settlement | None, language: str) -> list[str]:
    allowed = record.verdict is Verdict.ALLOW and (outcome.granted or not (outcome.reason or outcome.refused >= 0))
    lines = []
    if outcome.stop:
        lines.append(_say("halted", language, {"stop": outcome.stop}))
    if outcome.first and outcome.granted:
        lines.append(_say("repeat", language, {"first": outcome.first}))
    if allowed:
        lines.append(_say("allowed", language, {}))
    else:
        reason = outcome.reason or record.reason or _limited(record, outcome)
        lines.append(_say("refused", language, {"reason": reason}))
    if allowed and settlement is None:
        lines.append(_say("running", language, {}))
    if settlement is not None:
        total = _milliseconds(settlement.total_us, language)
        values = {
            "status": settlement.status,
            "total": total,
            "overhead": _milliseconds(settlement.overhead_us, language),
        }
        lines.append(_say("settled", language, values))
        lines += [_say("in-doubt", language, {})] * settlement.in_doubt
        lines += [_say("gave-back", language, {})] * settlement.gave_back
    lines.append(_say("trace", language, {"trace": record.trace_id}))
    return lines


def _limited(record: Record, outcome: Outcome) -> str:
    """Why a bucket refused."""
    known = 0 <= outcome.refused < len(record.buckets)
    return bucket_reason(record.buckets[outcome.refused].kind).value if known else ""


def _milliseconds(us: int, language: str) -> str:
    return f"{number(us / 1000, digits=2, language=language)} ms"


def _say(key: str, language: str, values: dict[str, str]) -> str:
    return fill(_TEXTS[key][LANGUAGES.index(language)], values)
