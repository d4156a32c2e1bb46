"""One decision in plain words: what was asked, which rules looked at it, where each limit stood, how it ended.

English and French; for people, so wording may change. Machines read the decision itself.
"""

from typing import Final

import msgspec

from gateway.core.errors import Reason
from gateway.core.explain_attempts import explain_attempts
from gateway.core.explain_buckets import explain_buckets
from gateway.core.explain_circumstances import explain_circumstances, explain_kept
from gateway.core.explain_rules import explain_rule
from gateway.core.limits import bucket_reason
from gateway.core.reason_texts import why
from gateway.core.record import Outcome, Record, Settlement, Verdict, asked_version, citation_of
from gateway.core.terms import channel_named, operation_named
from gateway.core.texts import moment, number, saying

_TEXTS: Final = {
    "asked": (
        "On {at} {agent} asked for {method}: {operation}.",
        "Le {at}, {agent} a demandé {method} : {operation}.",
    ),
    "asked-bare": ("On {at} {agent} asked for {method}.", "Le {at}, {agent} a demandé {method}."),
    "nobody": (
        "On {at} somebody who could not be identified asked for {method}.",
        "Le {at}, un appelant non identifié a demandé {method}.",
    ),
    "subject": (
        "It concerned a customer, recorded under the pseudonym {subject}.",
        "L’appel concernait un client, enregistré sous le pseudonyme {subject}.",
    ),
    "contact": ("It was a contact by {channel}.", "C’était une sollicitation par {channel}."),
    "contact-category": (
        "It was a contact by {channel}, category {category}.",
        "C’était une sollicitation par {channel}, catégorie {category}.",
    ),
    "campaign": ("It was part of the campaign {campaign}.", "Il faisait partie de la campagne {campaign}."),
    "objective": ("It served the objective {objective}.", "Il servait l’objectif {objective}."),
    "moved": (
        "It had been asked for by {asked}; a cap that was full there has moved it to {channel}.",
        "Elle était demandée par {asked} ; un plafond y étant atteint, elle est passée à {channel}.",
    ),
    "follows": ("It follows on the decision decisions/{parent}.", "Il fait suite à la décision decisions/{parent}."),
    "route": ("It took the route {route} to {upstream}.", "Il a pris la route {route} vers {upstream}."),
    "version": (
        "Version {version} of the model {model} was to answer (arm {arm}).",
        "La version {version} du modèle {model} devait répondre (bras {arm}).",
    ),
    "prompt": ("The prompt was {prompt}.", "L’invite était {prompt}."),
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
        "Il a permis à un autre bras de reprendre l’appel decisions/{parent}.",
    ),
    "revision": ("Revision {revision} decided.", "La révision {revision} a décidé."),
    "no-revision": ("No revision was active.", "Aucune révision n’était active."),
    "repeat": (
        "It repeated the decision decisions/{first} and got its answer.",
        "Il répétait la décision decisions/{first} et en a reçu la réponse.",
    ),
    "repeat-refused": (
        "It repeated the decision decisions/{first}: both have the same idempotency key.",
        "Il répétait la décision decisions/{first} : tous deux portent la même clé d’idempotence.",
    ),
    "halted": ("It met the stop {stop}.", "Il a rencontré la suspension {stop}."),
    "full": ("{rule} stood in its way.", "{rule} lui faisait obstacle."),
    "allowed": ("The call was let through.", "L’appel a été autorisé."),
    "refused": ("The call was refused: {why}.", "L’appel a été refusé : {why}."),
    "told": ('The caller was told: "{message}".', "L’appelant a reçu ce message : « {message} »."),
    "cited": ("The refusal rests on {citation}.", "Le refus repose sur {citation}."),
    "held": ("It was kept for a person: holds/{hold}.", "Il a été conservé pour une personne : holds/{hold}."),
    "deferred": (
        "It was kept to be made later: holds/{hold}.",
        "Il a été conservé pour être fait plus tard : holds/{hold}.",
    ),
    "held-unkept": ("It needs a person first.", "Il faut d’abord qu’une personne l’examine."),
    "deferred-unkept": ("It would be kept, and made later.", "Il serait conservé, et fait plus tard."),
    "approved": ("{decider} approved holds/{hold}{comment}.", "{decider} a approuvé holds/{hold}{comment}."),
    "turned-down": ("{decider} refused holds/{hold}{comment}.", "{decider} a refusé holds/{hold}{comment}."),
    "comment": (': "{comment}"', " : « {comment} »"),
    "would": (
        "The agent only observes; without that the call would have come to: {would}.",
        "L’agent ne fait qu’observer ; sinon, l’appel aurait donné : {would}.",
    ),
    "settled": (
        "It ended with {status} after {total}, of which the gateway took {overhead}.",
        "Il s’est terminé par {status} après {total}, dont {overhead} pour la passerelle.",
    ),
    "because": ("That was because {why}.", "Motif : {why}."),
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
    "running": ("No end of it is recorded yet.", "Sa fin n’est pas encore enregistrée."),
    "trace": ("Its trace is {trace}.", "Sa trace est {trace}."),
}
_say: Final = saying(_TEXTS)


def explain(
    record: Record, outcome: Outcome, *, settlement: Settlement | None, language: str = "en"
) -> tuple[str, ...]:
    """The decision as sentences, in the order in which things happened."""
    lines = [*_asked(record, language), *explain_circumstances(record, language=language)]
    lines += [explain_rule(look, language=language) for look in record.rules]
    lines += explain_buckets(record, outcome, language=language)
    lines += [*_before(record, outcome, language), *_verdict(record, outcome, settlement, language)]
    if settlement is not None:
        lines += _settled(record, settlement, language)
    lines += [_say("trace", language=language, trace=record.trace_id)] * bool(record.trace_id)
    lines += explain_kept(record, settlement, language=language)
    return tuple(lines)


def _asked(record: Record, language: str) -> list[str]:
    values = {
        "at": moment(record.received_ms // 1000 * 1000, language=language),  # not rounded up: it has been
        "operation": operation_named(record.operation, language=language),
        "subject": record.subject_ref,
        "channel": channel_named(record.channel, language=language),
        "asked": channel_named(record.asked_channel, language=language),
        "connector": record.connector_version,
        "unit": record.unit_ref,
    }
    values |= {
        name: str(getattr(record, name))
        for name in (
            *("agent", "method", "category", "route", "upstream", "version", "model", "arm", "revision", "prompt"),
            *("rollout", "parent", "campaign", "objective"),
        )
    }
    lines = [_say(key, language=language, **values) for key in _asked_keys(record)]
    lines += [
        _say("exposure", language=language, experiment=each.experiment, variation=each.variation)
        for each in record.exposures
    ]
    if record.lineage is not None:
        lines.append(_say("lineage", language=language, **msgspec.structs.asdict(record.lineage)))
    if record.revision or not record.parent:  # what comes of a kept call without its being made, no policy decides
        lines.append(_say("revision" if record.revision else "no-revision", language=language, **values))
    return lines


def _asked_keys(record: Record) -> list[str]:
    keys = ["nobody" if not record.agent else "asked" if record.operation else "asked-bare"]
    keys += ["subject"] * bool(record.subject_ref)
    keys += ["contact-category" if record.category else "contact"] * bool(record.channel)
    keys += ["moved"] * bool(record.asked_channel and record.asked_channel != record.channel)
    keys += ["campaign"] * bool(record.campaign) + ["objective"] * bool(record.objective)
    keys += ["standby" if record.standby else "follows"] * bool(record.parent)
    keys += ["route"] * bool(record.route) + ["version"] * bool(record.model and record.route)
    keys += ["prompt"] * bool(record.prompt) + ["connector"] * bool(record.connector_version)
    return keys + ["rollout"] * bool(record.rollout) + ["unit"] * bool(record.unit_ref)


def _before(record: Record, outcome: Outcome, language: str) -> list[str]:
    """What led to the verdict beside rules and buckets: stops, repeats, people, an agent that only observes."""
    lines = []
    if outcome.stop:
        lines.append(_say("halted", language=language, stop=outcome.stop))
    if outcome.first:
        key = "repeat" if outcome.granted else "repeat-refused"
        lines.append(_say(key, language=language, first=outcome.first))
    if _full(record, outcome):
        lines.append(_say("full", language=language, rule=record.rule))
    if record.decider:
        comment = _say("comment", language=language, comment=record.hold_comment) if record.hold_comment else ""
        key = "turned-down" if record.reason == Reason.HOLD_REFUSED else "approved"
        lines.append(_say(key, language=language, decider=record.decider, hold=record.hold, comment=comment))
    if record.would:
        lines.append(_say("would", language=language, would=why(record.would, language=language)))
    return lines


def _full(record: Record, outcome: Outcome) -> bool:
    """Whether a cap or sequence has the call kept that would have refused it; it was asked by an earlier decision."""
    kept = record.verdict in (Verdict.HOLD, Verdict.DEFER) and not outcome.looks
    return kept and record.rule not in {"", *(look.rule for look in record.rules)}


def _verdict(record: Record, outcome: Outcome, settlement: Settlement | None, language: str) -> list[str]:
    kept = {Verdict.HOLD: "held", Verdict.DEFER: "deferred"}.get(record.verdict, "")
    if record.verdict is Verdict.ALLOW and (outcome.granted or not (outcome.reason or outcome.refused >= 0)):
        running = [_say("running", language=language)] * (settlement is None)
        return [_say("allowed", language=language), *running]
    if kept and not outcome.reason:
        hold = outcome.first or record.hold
        return [_say(kept if hold else f"{kept}-unkept", language=language, hold=hold)]
    reason = outcome.reason or record.reason or _limited(record, outcome)
    lines = [_say("refused", language=language, why=why(reason, language=language))]
    citation = citation_of(record, outcome)
    lines += [_say("cited", language=language, citation=citation)] * bool(citation)
    if record.message and not outcome.reason:  # else what the store said was told
        lines.append(_say("told", language=language, message=record.message.rstrip(".")))
    return lines


def _settled(record: Record, settlement: Settlement, language: str) -> list[str]:
    lines = list(explain_attempts(settlement.attempts, language=language))
    total, overhead = (_milliseconds(us, language) for us in (settlement.total_us, settlement.overhead_us))
    lines.append(_say("settled", language=language, status=settlement.status, total=total, overhead=overhead))
    if settlement.reason and not settlement.in_doubt:
        lines.append(_say("because", language=language, why=why(settlement.reason, language=language)))
    if settlement.served:
        asked = asked_version(record, settlement)
        key = "served" if settlement.served == asked or not asked else "served-other"
        lines.append(_say(key, language=language, served=settlement.served, pinned=asked))
    lines += [_say("in-doubt", language=language)] * settlement.in_doubt
    lines += [_say("gave-back", language=language)] * settlement.gave_back
    return lines


def _limited(record: Record, outcome: Outcome) -> str:
    """Why a bucket refused."""
    known = 0 <= outcome.refused < len(record.buckets)
    return bucket_reason(record.buckets[outcome.refused].kind).value if known else ""


def _milliseconds(us: int, language: str) -> str:
    return f"{number(us / 1000, digits=2, language=language)} ms"
