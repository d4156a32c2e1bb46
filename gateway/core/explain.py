"""One decision in plain words: what was asked, which rules looked at it, where each limit stood, how it ended.

English and French; for people, so wording may change. Machines read the decision itself.
"""

from typing import Final

import msgspec

from gateway.core.explain_attempts import explain_attempts
from gateway.core.explain_circumstances import explain_circumstances, explain_kept
from gateway.core.limits import bucket_reason
from gateway.core.record import (
    BucketAsk,
    BucketLook,
    Outcome,
    Record,
    RuleLook,
    Settlement,
    Verdict,
    asked_version,
    citation_of,
)
from gateway.core.texts import LANGUAGES, amount, day, fill, number, span

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
    "prompt": ("The prompt was {prompt}.", "Le prompt était {prompt}."),
    "connector": ("{upstream} was at version {connector}.", "{upstream} était en version {connector}."),
    "rollout": (
        "The rollout {rollout} gave it to its candidate.",
        "Le déploiement progressif {rollout} l’a confié à son candidat.",
    ),
    "unit": ("It was assigned by {unit}.", "L’affectation suivait {unit}."),
    "exposure": (
        "It fell to the variation {variation} of the experiment {experiment}.",
        "Il relevait de la variante {variation} de l’expérience {experiment}.",
    ),
    "lineage": (
        "An inference of version {version} of the model {model} led to it (route {route}, arm {arm}).",
        "Une inférence de la version {version} du modèle {model} y a conduit (route {route}, bras {arm}).",
    ),
    "standby": (
        "It let another arm take over the call decisions/{parent}.",
        "Il a fait reprendre l’appel decisions/{parent} par un autre bras.",
    ),
    "revision": ("Revision {revision} decided.", "La révision {revision} a décidé."),
    "no-revision": ("No revision was active.", "Aucune révision n’était active."),
    "rule-allow": ("The rule {rule} allowed it.", "La règle {rule} l’a autorisé."),
    "rule-deny": ("The rule {rule} denied it.", "La règle {rule} l’a refusé."),
    "rule-hold": (
        "The rule {rule} wanted a person to look at it first.",
        "La règle {rule} demandait qu’une personne l’examine d’abord.",
    ),
    "rule-defer": ("The quiet hours {rule} put it off.", "Les heures calmes {rule} l’ont remis à plus tard."),
    "watch-hold": (
        "The rule {rule} would have had a person look at it first, but only watches.",
        "La règle {rule} l’aurait fait examiner par une personne, mais elle ne fait qu’observer.",
    ),
    "watch-defer": (
        "The quiet hours {rule} would have put it off, but only watch.",
        "Les heures calmes {rule} l’auraient remis à plus tard, mais elles ne font qu’observer.",
    ),
    "rule-holdout": (
        "The customer is held out of such contacts by {rule}.",
        "Pour ces sollicitations, le client fait partie du groupe témoin {rule}.",
    ),
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
    "consent-granted": (
        "The consent {rule} was on record since {since}.",
        "Le consentement {rule} était enregistré depuis le {since}.",
    ),
    "consent-none": ("The consent {rule} was not on record.", "Le consentement {rule} n’était pas enregistré."),
    "consent-unknown": (
        "Whether the consent {rule} was on record could not be read.",
        "On n’a pas pu lire si le consentement {rule} était enregistré.",
    ),
    "consent-refused": (
        "The customer had refused what {rule} asks for, on {since}.",
        "Le client avait refusé, le {since}, ce que demande {rule}.",
    ),
    "consent-withdrawn": (
        "The customer had withdrawn what {rule} asks for, on {since}.",
        "Le client avait retiré, le {since}, ce que demande {rule}.",
    ),
    "consent-expired": (
        "The consent {rule}, given on {since}, was too old.",
        "Le consentement {rule}, donné le {since}, était trop ancien.",
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
    "concurrency-granted": (
        "{limit} ({by}): {used} of {capacity} calls at a time, this one included.",
        "{limit} ({by}) : {used} appels simultanés sur {capacity}, cet appel compris.",
    ),
    "concurrency-untaken": (
        "{limit} ({by}): {used} of {capacity} calls at a time; it would have let the call through.",
        "{limit} ({by}) : {used} appels simultanés sur {capacity} ; elle aurait laissé passer l’appel.",
    ),
    "concurrency-refused": (
        "{limit} ({by}): {used} of {capacity} calls were running already.",
        "{limit} ({by}) : {used} appels sur {capacity} étaient déjà en cours.",
    ),
    "gap-granted": (
        "{limit} ({by}): no contact within {period} before.",
        "{limit} ({by}) : aucune sollicitation dans les {period} précédentes.",
    ),
    "gap-refused": (
        "{limit} ({by}): the contact before was less than {period} ago; free again in {wait}.",
        "{limit} ({by}) : la sollicitation précédente datait de moins de {period} ; libre dans {wait}.",
    ),
    "outranked": (
        "{limit} ({by}): the last of {capacity} is kept for {other}; free again in {wait}.",
        "{limit} ({by}) : la dernière place sur {capacity} est réservée à {other} ; libre dans {wait}.",
    ),
    "sequence-granted": (
        "{limit} ({by}): nothing within {period} before that this may not follow on.",
        "{limit} ({by}) : rien dans les {period} précédentes que cet appel ne puisse suivre.",
    ),
    "sequence-refused": (
        "{limit} ({by}): {other} was less than {period} ago; free again in {wait}.",
        "{limit} ({by}) : {other} datait de moins de {period} ; libre dans {wait}.",
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
    "limit-waived": (
        "{limit} ({by}): {used} of {capacity} within {period}; a person has let the call through all the same.",
        "{limit} ({by}) : {used} sur {capacity} en {period} ; une personne a laissé passer l’appel malgré tout.",
    ),
    "limit-closed": ("{limit} ({by}) is closed.", "{limit} ({by}) est fermée."),
    "repeat": (
        "It repeated the decision {first} and got its answer.",
        "Il répétait la décision {first} et en a reçu la réponse.",
    ),
    "halted": ("It met the stop {stop}.", "Il a rencontré la suspension {stop}."),
    "allowed": ("The call was let through.", "L’appel a été autorisé."),
    "refused": ("The call was refused: {reason}.", "L’appel a été refusé : {reason}."),
    "cited": ("The refusal rests on {citation}.", "Le refus repose sur {citation}."),
    "held": ("It was kept for a person: holds/{hold}.", "Il a été conservé pour une personne : holds/{hold}."),
    "deferred": (
        "It was kept to be made later: holds/{hold}.",
        "Il a été conservé pour être fait plus tard : holds/{hold}.",
    ),
    "held-unkept": ("It needs a person first.", "Il faut d’abord qu’une personne l’examine."),
    "deferred-unkept": (
        "It would be kept, and made later.",
        "Il serait conservé, et fait plus tard.",
    ),
    "decided": (
        'Of holds/{hold} {decider} said: "{comment}".',
        "De holds/{hold}, {decider} a dit : « {comment} ».",
    ),
    "would": (
        "The agent only observes; without that the call would have come to {would}.",
        "L’agent ne fait qu’observer ; sinon, l’appel aurait donné {would}.",
    ),
    "settled": (
        "It ended with {status} after {total}, of which the gateway took {overhead}.",
        "Il s’est terminé par {status} après {total}, dont {overhead} pour la passerelle.",
    ),
    "served": ("The upstream answered with {served}.", "Le système en aval a répondu avec {served}."),
    "served-other": (
        "The upstream served {served} where {pinned} was pinned.",
        "Le système en aval a servi {served} alors que {pinned} était demandé.",
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
    lines = [*_asked(record, language), *explain_circumstances(record, language=language)]
    lines += [_rule(look, language) for look in record.rules]
    lines += [
        _limit(ask, look, taken=outcome.granted, language=language)
        for ask, look in zip(record.buckets, outcome.looks, strict=False)
    ]
    lines += _ended(record, outcome, settlement, language)
    lines += explain_kept(record, settlement, language=language)
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
        "prompt": record.prompt,
        "connector": record.connector_version,
        "rollout": record.rollout,
        "unit": record.unit_ref,
        "parent": record.parent,
    }
    keys = ["asked" if record.agent else "nobody"]
    keys += ["subject"] * bool(record.subject_ref) + ["contact"] * bool(record.channel)
    keys += ["route"] * bool(record.route) + ["version"] * bool(record.model and record.route)
    keys += ["standby"] * record.standby
    keys += ["prompt"] * bool(record.prompt) + ["connector"] * bool(record.connector_version)
    keys += ["rollout"] * bool(record.rollout) + ["unit"] * bool(record.unit_ref)
    lines = [_say(key, language, values) for key in keys]
    lines += [
        _say("exposure", language, {"experiment": each.experiment, "variation": each.variation})
        for each in record.exposures
    ]
    if record.lineage is not None:
        lines.append(_say("lineage", language, msgspec.structs.asdict(record.lineage)))
    lines.append(_say("revision" if record.revision else "no-revision", language, values))
    return lines


def _rule(look: RuleLook, language: str) -> str:
    if f"consent-{look.standing}" in _TEXTS and look.mode != "monitor":
        values = {"rule": look.rule, "since": day(look.since_ms, language=language)}
        return _say(f"consent-{look.standing}", language, values)
    if look.error and look.mode == "monitor":
        return _say("watch-failed", language, {"rule": look.rule})
    kind = "failed" if look.error else "watch" if look.mode == "monitor" else "rule"
    return _say(f"{kind}-{look.effect}", language, {"rule": look.rule})


def _limit(ask: BucketAsk, look: BucketLook, *, taken: bool, language: str) -> str:
    values = {
        "limit": ask.limit,
        "by": ask.by,
        "used": amount(look.used, kind=ask.kind, language=language),
        "capacity": amount(ask.capacity, kind=ask.kind, language=language),
        "cost": amount(ask.cost, kind=ask.kind, language=language),
        "period": span(ask.period_ms, language=language),
        "wait": span(max(0, look.wait_ms), language=language),
        "other": f"decisions/{look.other}",
    }
    waived = ask.mode == "waived" and look.wait_ms != 0
    return _say("limit-waived" if waived else _limit_key(ask.kind, look, taken=taken), language, values)


def _limit_key(kind: str, look: BucketLook, *, taken: bool) -> str:
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


def _ended(record: Record, outcome: Outcome, settlement: Settlement | None, language: str) -> list[str]:
    kept = {Verdict.HOLD: "held", Verdict.DEFER: "deferred"}.get(record.verdict, "")
    allowed = record.verdict is Verdict.ALLOW and (outcome.granted or not (outcome.reason or outcome.refused >= 0))
    lines = []
    if outcome.stop:
        lines.append(_say("halted", language, {"stop": outcome.stop}))
    if outcome.first and outcome.granted:
        lines.append(_say("repeat", language, {"first": outcome.first}))
    if record.decider:
        values = {"decider": record.decider, "hold": record.hold, "comment": record.hold_comment}
        lines.append(_say("decided", language, values))
    if record.would:
        lines.append(_say("would", language, {"would": record.would}))
    if allowed:
        lines.append(_say("allowed", language, {}))
    elif kept and not outcome.reason:
        hold = outcome.first or record.hold
        lines.append(_say(kept if hold else f"{kept}-unkept", language, {"hold": hold}))
    else:
        reason = outcome.reason or record.reason or _limited(record, outcome)
        lines.append(_say("refused", language, {"reason": reason}))
        citation = citation_of(record, outcome)
        lines += [_say("cited", language, {"citation": citation})] * bool(citation)
    if allowed and settlement is None:
        lines.append(_say("running", language, {}))
    if settlement is not None:
        lines += explain_attempts(settlement.attempts, language=language)
        total = _milliseconds(settlement.total_us, language)
        values = {
            "status": settlement.status,
            "total": total,
            "overhead": _milliseconds(settlement.overhead_us, language),
        }
        lines.append(_say("settled", language, values))
        if settlement.served:
            asked = asked_version(record, settlement)
            same = settlement.served == asked or not asked
            values = {"served": settlement.served, "pinned": asked}
            lines.append(_say("served" if same else "served-other", language, values))
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
