"""What a person reads of one thing that an agent did or tried concerning them. English and French. Names nobody else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from gateway.core.call import Operation
from gateway.core.errors import Reason
from gateway.core.reason_texts import REASONS
from gateway.core.record import CustomerOutcome, Record, RuleLook, Verdict
from gateway.core.terms import basis_named, channel_named
from gateway.core.texts import LANGUAGES, day, moment, saying, span
from pilote.decision.v1 import decision_pb2
from services.audit.personal import over_ms
from services.audit.store import Stored

Values = "decision_pb2.ValuesState.ValueType"

_TEXTS: Final = {
    "READ": ("{at}: {agent} wanted to read what is known of you.", "{at} : {agent} a voulu lire ce que l’on sait de vous."),
    "WRITE": ("{at}: {agent} wanted to change what is known of you.", "{at} : {agent} a voulu modifier vos données."),
    "DELETE": ("{at}: {agent} wanted to delete something of yours.", "{at} : {agent} a voulu supprimer de vos données."),
    "CONTACT": ("{at}: {agent} wanted to contact you by {channel}.", "{at} : {agent} a voulu vous solliciter par {channel}."),
    "CONTACT-bare": ("{at}: {agent} wanted to contact you.", "{at} : {agent} a voulu vous solliciter."),
    "INFER": (
        "{at}: {agent} wanted a model to infer something about you.",
        "{at} : {agent} a voulu faire estimer quelque chose à votre sujet par un modèle.",
    ),
    "other": ("{at}: {agent} made a call that concerns you.", "{at} : {agent} a fait un appel qui vous concerne."),
    "purpose": ("What for: {purpose}.", "Objet : {purpose}."),
    "moved": (
        "It had been meant for {channel}, where you had been contacted often enough.",
        "L’envoi était prévu par {channel}, où vous aviez reçu assez de sollicitations.",
    ),
    "repeated": (
        "It repeated an earlier call and got its answer; nothing was done twice.",
        "Cela répétait un appel antérieur et en a reçu la réponse ; rien n’a été fait deux fois.",
    ),
    "after": ("It had been kept since an earlier call.", "Cela avait été conservé depuis un appel antérieur."),
    "person": ("A person had looked at it before.", "Une personne l’avait examiné auparavant."),
    "allowed": ("It was let through.", "Cela a été autorisé."),
    "running": ("How it ended is not recorded yet.", "La suite n’est pas encore enregistrée."),
    "failed": ("It did not come about: {why}.", "Cela n’a pas abouti : {why}."),
    "status": ("the answer was {status}", "la réponse a été {status}"),
    "doubt": ("Whether it came about is not known.", "On ignore si cela a abouti."),
    "HOLD": ("It was kept for a person to look at.", "Cela a été conservé pour qu’une personne l’examine."),
    "DEFER": ("It was put off to a later time.", "Cela a été remis à plus tard."),
    "refused": ("It was refused: {why}.", "Cela a été refusé : {why}."),
    "cap": (
        "Contacts that the cap {limit} counted: {used} of {capacity} within {period}.",
        "Sollicitations comptées par le plafond {limit} : {used} sur {capacity} en {period}.",
    ),
    "version": ("Version {version} of the model {model} was used.", "La version {version} du modèle {model} a servi."),
    "version-not": (
        "Version {version} of the model {model} would have been used.",
        "La version {version} du modèle {model} aurait servi.",
    ),
    "led": (
        "An inference by version {version} of the model {model} had led to it.",
        "Une inférence de la version {version} du modèle {model} y avait conduit.",
    ),
    "test": ("You were in the variation {variation} of the test {test}.", "Vous étiez dans la variante {variation} du test {test}."),
    "rule": ("The rule {rule} {effect}.", "La règle {rule} {effect}."),
    "quiet": ("Hours at which you are left alone: {rule}.", "Heures où on vous laisse tranquille : {rule}."),
    "holdout": ("Control group: {rule}.", "Groupe témoin : {rule}."),
    "consent": ("Your consent ({rule}): {standing}.", "Votre consentement ({rule}) : {standing}."),
    "since": ("Your consent ({rule}): {standing} on {since}.", "Votre consentement ({rule}) : {standing} le {since}."),
    "basis": ("It rested on ({rule}): {basis}, since {since}.", "Fondement ({rule}) : {basis}, depuis le {since}."),
    "masked-reply": (
        "From what the agent got to read was taken out: {what}.",
        "De ce que l’agent a pu lire a été retiré : {what}.",
    ),
    "masked-request": ("From what the agent sent was taken out: {what}.", "De ce que l’agent a envoyé a été retiré : {what}."),
    "sensitive": ("what is marked as {level} or above", "ce qui est marqué {level} ou plus"),
    "copy": (
        "A copy of it went to {arm}, to be compared; it could change nothing.",
        "Une copie en a été faite pour {arm}, pour comparaison ; elle ne pouvait rien changer.",
    ),
    "outcome": ("Afterwards: {what}, on {at}.", "Ensuite : {what}, le {at}."),
    "answer": ("Afterwards: {what} ({question}: {answer}), on {at}.", "Ensuite : {what} ({question} : {answer}), le {at}."),
    "kept": ("This is kept until {until} at least.", "Ceci est conservé au moins jusqu’au {until}."),
    "kept-values": (
        "This is kept until {until} at least, and so long what it was decided by, encrypted.",
        "Ceci est conservé au moins jusqu’au {until}, ainsi que, chiffré, ce sur quoi la décision s’appuyait.",
    ),
    "erased": ("What it was decided by has been erased.", "Ce sur quoi la décision s’appuyait a été effacé."),
    "unreadable": (
        "What it was decided by can no longer be read by anybody.",
        "Ce sur quoi la décision s’appuyait n’est plus lisible par personne.",
    ),
}  # fmt: skip
_WHY: Final = {
    "CONSENT_MISSING": ("you have not agreed to it ({rule})", "vous n’y avez pas consenti ({rule})"),
    "CAP_EXCEEDED": (
        "you had been contacted often enough ({rule})",
        "vous aviez reçu assez de sollicitations ({rule})",
    ),
    "QUIET_HOURS": ("it was outside the hours for it ({rule})", "c’était en dehors des heures prévues ({rule})"),
    "HELD_OUT": ("you are in a control group ({rule})", "vous faites partie d’un groupe témoin ({rule})"),
    "LIMIT_EXCEEDED": ("a limit was used up ({rule})", "une limite était atteinte ({rule})"),
    "POLICY_DENIED": ("the rules do not allow it ({rule})", "les règles ne l’autorisent pas ({rule})"),
    "STOPPED": ("such calls were halted", "ces appels étaient suspendus"),
    "AUTONOMY_OBSERVE": ("the agent only observes", "l’agent ne fait qu’observer"),
    "HOLD_REFUSED": ("a person refused it", "une personne l’a refusé"),
    "LINEAGE_UNKNOWN": ("nobody knew which model led to it", "on ignorait quel modèle y avait conduit"),
}
_EFFECTS: Final = {
    "allow": ("allows it", "l’autorise"),
    "deny": ("forbids it", "l’interdit"),
    "hold": ("wants a person to look at it first", "demande qu’une personne l’examine d’abord"),
    "redact": ("has fields hidden", "fait masquer des champs"),
}
_STANDINGS: Final = {
    "granted": ("given", "donné"),
    "none": ("none on record", "aucun enregistré"),
    "refused": ("refused", "refusé"),
    "withdrawn": ("withdrawn", "retiré"),
    "expired": ("too old, given", "trop ancien, donné"),
    "unknown": ("could not be read", "illisible à ce moment"),
}
OUTCOMES: Final = {
    "delivered": ("delivered to you", "remis"),
    "opened": ("opened by you", "ouvert par vous"),
    "clicked": ("a click of yours", "un clic de votre part"),
    "replied": ("a reply of yours", "une réponse de votre part"),
    "converted": ("you took the offer", "offre acceptée par vous"),
    "unsubscribed": ("you unsubscribed", "désinscription de votre part"),
    "complained": ("you complained", "plainte de votre part"),
    "bounced": ("it could not be delivered", "impossible à remettre"),
    "answered": ("an answer of yours to a survey", "une réponse de votre part à une enquête"),
}
"""What a person did, as in ReportOutcomes."""

_say: Final = saying(_TEXTS)


def known(texts: Mapping[str, tuple[str, str]], key: str, *, language: str) -> str:
    """The text of a key in a language, or the key where it has none."""
    return texts[key][LANGUAGES.index(language)] if key in texts else key


def entry_sentences(
    stored: Stored, *, told: Sequence[CustomerOutcome], values: "decision_pb2.ValuesState.ValueType", language: str
) -> tuple[str, ...]:
    """One thing that an agent did or tried, for the person whom it concerns. `values`: what is kept of its values."""
    record = stored.record
    lines = [*_wanted(record, language), *_came(stored, language), *_why_so(stored, language)]
    sent = [copy for copy in stored.copies if copy.sent]
    lines += [_say("copy", language=language, arm=copy.arm) for copy in sent]
    lines += [
        _say("answer" if each.question else "outcome", language=language,
             what=known(OUTCOMES, each.type, language=language), question=each.question, answer=each.answer,
             at=moment(each.occurred_ms // 1000 * 1000, language=language))
        for each in told
    ]  # fmt: skip
    key = "kept-values" if values == decision_pb2.VALUES_STATE_SEALED else "kept"
    lines.append(_say(key, language=language, until=day(over_ms(record), language=language)))
    gone = {decision_pb2.VALUES_STATE_ERASED: "erased", decision_pb2.VALUES_STATE_KEY_MISSING: "unreadable"}
    return (*lines, *([_say(gone[values], language=language)] if values in gone else []))


def _wanted(record: Record, language: str) -> Iterator[str]:
    key = record.operation if record.operation in Operation.__members__ else "other"
    if key == Operation.CONTACT and not record.channel:
        key = "CONTACT-bare"
    at = moment(record.received_ms // 1000 * 1000, language=language)  # not rounded up: it has been
    channel = channel_named(record.channel, language=language)
    yield _say(key, language=language, at=at, agent=record.agent or "?", channel=channel)
    if record.asked_channel and record.asked_channel != record.channel:
        yield _say("moved", language=language, channel=channel_named(record.asked_channel, language=language))
    if purpose := record.purpose or record.category:
        yield _say("purpose", language=language, purpose=purpose)


def _came(stored: Stored, language: str) -> Iterator[str]:
    record, conclusion, settlement = stored.record, stored.conclusion, stored.settlement
    if record.hold and record.parent:
        yield _say("after", language=language)
    if record.decider:
        yield _say("person", language=language)
    if conclusion.verdict is Verdict.DENY:
        yield _say("refused", language=language, why=_why(conclusion.reason, conclusion.rule, language))
        yield from _counts(stored, language)
    elif conclusion.verdict is not Verdict.ALLOW:
        yield _say(conclusion.verdict.value, language=language)
    elif stored.outcome.first:
        yield _say("repeated", language=language)
    else:
        yield _say("allowed", language=language)
        if settlement is None:
            yield _say("running", language=language)
        elif settlement.in_doubt:
            yield _say("doubt", language=language)
        elif settlement.status != "OK":
            status = _say("status", language=language, status=settlement.status)
            why = _why(settlement.reason, "", language) if settlement.reason else status
            yield _say("failed", language=language, why=why)


def _why(reason: str, rule: str, language: str) -> str:
    text = known(_WHY, reason, language=language)
    if reason not in _WHY and reason in Reason.__members__:
        return REASONS[Reason(reason)][LANGUAGES.index(language)]
    return text.replace("{rule}", rule) if rule else text.replace(" ({rule})", "")


def _counts(stored: Stored, language: str) -> Iterator[str]:
    """How often the person had been contacted, by the caps that refused."""
    for ask, look in zip(stored.record.buckets, stored.outcome.looks, strict=False):
        if ask.kind == "cap" and ask.mode == "enforce" and look.wait_ms > 0:
            period = span(ask.period_ms, language=language)
            yield _say("cap", language=language, limit=ask.limit, used=look.used, capacity=ask.capacity, period=period)


def _why_so(stored: Stored, language: str) -> Iterator[str]:
    """Which model, tests, consents and rules it depended on, and what was taken out."""
    record, settlement = stored.record, stored.settlement
    version = (settlement.version if settlement is not None else "") or record.version
    if record.model and version:
        key = "version" if stored.conclusion.verdict is Verdict.ALLOW else "version-not"
        yield _say(key, language=language, version=version, model=record.model)
    if record.lineage is not None:
        yield _say("led", language=language, version=record.lineage.version, model=record.lineage.model)
    for each in record.exposures:
        yield _say("test", language=language, variation=each.variation, test=each.experiment)
    for look in record.rules:
        if look.mode != "monitor":
            yield _looked(look, language)
    if stored.conclusion.verdict is Verdict.ALLOW:
        for obligation in record.obligations:
            level = obligation.sensitivity
            sensitive = [_say("sensitive", language=language, level=level)] if level else []
            what = ", ".join([*obligation.fields, *sensitive])
            yield _say(f"masked-{obligation.of}", language=language, what=what)


def _looked(look: RuleLook, language: str) -> str:
    if look.standing:
        since = day(look.since_ms, language=language)
        if look.standing == "granted" and look.basis not in ("", "consent"):
            basis = basis_named(look.basis, language=language)
            return _say("basis", language=language, rule=look.rule, basis=basis, since=since)
        standing = known(_STANDINGS, look.standing, language=language)
        dated = look.since_ms and look.standing not in ("none", "unknown")
        return _say("since" if dated else "consent", language=language, rule=look.rule, standing=standing, since=since)
    if look.effect == "holdout":
        return _say("holdout", language=language, rule=look.rule)
    if look.until_ms or look.effect == "defer":
        return _say("quiet", language=language, rule=look.rule)
    return _say("rule", language=language, rule=look.rule, effect=known(_EFFECTS, look.effect, language=language))
