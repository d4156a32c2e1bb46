"""What surrounded a decision, in plain words: for whom the agent called, in which conversation, what was taken out."""

from typing import Final

import msgspec

from gateway.core.record import Obligation, Record, Settlement, consent_of
from gateway.core.terms import basis_named
from gateway.core.texts import LANGUAGES, fill, number

_TEXTS: Final = {
    "person": (
        "The agent called on behalf of a person, recorded under the pseudonym {person}.",
        "L’agent appelait pour le compte d’une personne, enregistrée sous le pseudonyme {person}.",
    ),
    "conversation": (
        "That was in the conversation {conversation}.",
        "C’était dans la conversation {conversation}.",
    ),
    "purpose": ("Its purpose was {purpose}.", "Sa finalité était : {purpose}."),
    "basis": (
        "It rested on this legal basis: {basis} (consent {rule}).",
        "Il reposait sur cette base légale : {basis} (consentement {rule}).",
    ),
    "proof": (" Its proof: {proof}.", " Sa preuve : {proof}."),
    "holdout": (
        "Whether the customer is in the control group {holdout} was looked up.",
        "On a vérifié si le client fait partie du groupe témoin {holdout}.",
    ),
    "masked-request": (
        "Out of the request the rule {rule} takes: {what}.",
        "De la requête, la règle {rule} retire : {what}.",
    ),
    "masked-reply": (
        "Out of the reply the rule {rule} takes: {what}.",
        "De la réponse, la règle {rule} retire : {what}.",
    ),
    "sensitive": (
        "everything annotated {level} or above",
        "tout ce qui est annoté {level} ou plus",
    ),
    "steps": ("Its way through the gateway took: {steps}.", "Son passage par la passerelle a pris : {steps}."),
    "wait": ("waiting {took}", "attente {took}"),
    "identify": ("who calls {took}", "identification {took}"),
    "describe": ("what is asked {took}", "lecture de la demande {took}"),
    "facts": ("what is known {took}", "faits connus {took}"),
    "decide": ("route and rules {took}", "route et règles {took}"),
    "admit": ("buckets and record {took}", "limites et enregistrement {took}"),
    "settle": ("after the upstream {took}", "après le système en aval {took}"),
    "kept": (
        "Its record belongs to the class {name}, which is kept for {days} days.",
        "Son enregistrement relève de la classe {name}, conservée {days} jours.",
    ),
}

_TOLD_US: Final = 5
"""A step that takes less would be told as 0.00 ms."""


def explain_circumstances(record: Record, *, language: str = "en") -> list[str]:
    """For whom, in which conversation, what for, on which basis; holdouts; and what was taken out."""
    lines = []
    for key, value in (("person", record.person), ("conversation", record.conversation), ("purpose", record.purpose)):
        if value:
            lines.append(_say(key, language, {key: value}))
    consent = consent_of(record)
    if consent is not None and consent.basis:
        proof = _say("proof", language, {"proof": consent.proof}) if consent.proof else ""
        lines.append(
            _say("basis", language, {"basis": basis_named(consent.basis, language=language), "rule": consent.rule})
            + proof
        )
    lines += [_say("holdout", language, {"holdout": name}) for name in record.holdouts]
    lines += [_masked(each, language) for each in record.obligations]
    return lines


def explain_kept(record: Record, settlement: Settlement | None, *, language: str = "en") -> list[str]:
    """How long each step took, and how long the record is kept where the policy has a class for it."""
    lines = []
    if steps := _steps(record, settlement, language):
        lines.append(_say("steps", language, {"steps": ", ".join(steps)}))
    if record.retention:
        lines.append(_say("kept", language, {"days": str(record.keep_days), "name": record.retention}))
    return lines


def _steps(record: Record, settlement: Settlement | None, language: str) -> list[str]:
    took = {} if record.steps is None else msgspec.structs.asdict(record.steps)
    if settlement is not None:
        took |= {"admit_us": settlement.admit_us, "settle_us": settlement.settle_us}
    return [
        _say(name.removesuffix("_us"), language, {"took": f"{number(us / 1000, digits=2, language=language)} ms"})
        for name, us in took.items()
        if us >= _TOLD_US
    ]


def _masked(obligation: Obligation, language: str) -> str:
    level = obligation.sensitivity
    what = [*obligation.fields, *([_say("sensitive", language, {"level": level})] if level else [])]
    return _say(f"masked-{obligation.of}", language, {"rule": obligation.rule, "what": ", ".join(what)})


def _say(key: str, language: str, values: dict[str, str]) -> str:
    return fill(_TEXTS[key][LANGUAGES.index(language)], values)
