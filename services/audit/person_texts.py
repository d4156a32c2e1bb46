"""What a person reads of what agents did or tried concerning them, in English and French. It names nobody else."""

from collections.abc import Sequence
from typing import Final

from gateway.conclusion import Conclusion
from gateway.core.call import Operation
from gateway.core.record import CustomerOutcome, Record, Settlement, Verdict
from gateway.core.shadows import ShadowResult
from gateway.core.texts import day, moment, saying

_TEXTS: Final = {
    "head": (
        "This is what agents of {tenant} did, or tried to do, concerning you, as far as it is recorded on {at}.",
        "Voici ce que les agents de {tenant} ont fait, ou tenté de faire, à votre sujet, selon ce qui est enregistré le {at}.",
    ),
    "incomplete": (
        "A part of what is recorded cannot be read at the moment; it is missing here, and in the numbers. Ask once more later.",
        "Une partie de ce qui est enregistré est illisible en ce moment ; elle manque ici et dans les chiffres. Redemandez plus tard.",
    ),
    "none-else": ("What can be read says nothing about you.", "Ce qui est lisible ne dit rien de vous."),
    "none": ("Nothing is recorded about you.", "Rien n’est enregistré à votre sujet."),
    "counts": (
        "{decisions} in all: {allowed} let through, {refused} refused, {kept} kept for a person or for later.",
        "{decisions} au total : {allowed} autorisés, {refused} refusés, {kept} conservés pour une personne ou plus tard.",
    ),
    "contacts": ("You were contacted: {contacts}.", "Vous avez été sollicité : {contacts}."),
    "no-contacts": ("You were not contacted.", "Vous n’avez pas été sollicité."),
    "of-late": (
        "{week} times in the last 7 days, {month} times in the last 30.",
        "{week} fois ces 7 derniers jours, {month} fois ces 30 derniers.",
    ),
    "agents": ("Agents: {agents}.", "Agents : {agents}."),
    "tests": ("Tests that you took part in: {tests}.", "Tests auxquels vous avez participé : {tests}."),
    "holdouts": (
        "Control groups in which you are left alone, so that the effect of contacts can be measured: {holdouts}.",
        "Groupes témoins où on vous laisse tranquille, pour mesurer l’effet des sollicitations : {holdouts}.",
    ),
    "pseudonym": (
        "It is recorded under the pseudonym {ref}, not under your name.",
        "Cela est enregistré sous le pseudonyme {ref}, et non sous votre nom.",
    ),
    "erased": (
        "Your personal values in what came before {at} were erased.",
        "Vos données personnelles dans ce qui précède le {at} ont été effacées.",
    ),
    "READ": ("{at}: {agent} wanted to read what is known of you.", "{at} : {agent} a voulu lire ce que l’on sait de vous."),
    "WRITE": ("{at}: {agent} wanted to change what is known of you.", "{at} : {agent} a voulu modifier vos données."),
    "DELETE": ("{at}: {agent} wanted to delete something of yours.", "{at} : {agent} a voulu supprimer de vos données."),
    "CONTACT": ("{at}: {agent} wanted to contact you by {channel}.", "{at} : {agent} a voulu vous solliciter par {channel}."),
    "INFER": ("{at}: {agent} had a model make an inference about you.", "{at} : {agent} a fait évaluer un modèle à votre sujet."),
    "other": ("{at}: {agent} made a call that concerns you.", "{at} : {agent} a fait un appel qui vous concerne."),
    "purpose": ("What for: {purpose}.", "Objet : {purpose}."),
    "allowed": ("It was let through.", "Cela a été autorisé."),
    "failed": ("It did not come about ({status}).", "Cela n’a pas abouti ({status})."),
    "doubt": ("Whether it came about is not known.", "On ignore si cela a abouti."),
    "HOLD": ("It was kept for a person to look at.", "Cela a été conservé pour qu’une personne l’examine."),
    "DEFER": ("It was put off to a later time.", "Cela a été remis à plus tard."),
    "person": ("A person had looked at it before.", "Une personne l’avait examiné auparavant."),
    "refused": ("It was refused: {why}.", "Cela a été refusé : {why}."),
    "version": ("Version {version} of the model {model} was used.", "La version {version} du modèle {model} a servi."),
    "led": (
        "An inference by version {version} of the model {model} had led to it.",
        "Une inférence de la version {version} du modèle {model} y avait conduit.",
    ),
    "test": ("You were in the variation {variation} of the test {test}.", "Vous étiez dans la variante {variation} du test {test}."),
    "consent": ("Your consent ({rule}): {standing}.", "Votre consentement ({rule}) : {standing}."),
    "since": ("Your consent ({rule}): {standing}, since {since}.", "Votre consentement ({rule}) : {standing}, depuis le {since}."),
    "copy": (
        "A copy of it went to {arm}, to be compared; it could change nothing.",
        "Une copie en a été faite pour {arm}, pour comparaison ; elle ne pouvait rien changer.",
    ),
    "outcome": ("Afterwards: {what}, on {at}.", "Ensuite : {what}, le {at}."),
    "rule": ("A rule that looked at it: {rule}.", "Une règle qui l’a examiné : {rule}."),
}  # fmt: skip
_WHY: Final = {
    "CONSENT_MISSING": ("you have not agreed to it ({rule})", "vous ne l’avez pas accepté ({rule})"),
    "CAP_EXCEEDED": ("you had been contacted often enough ({rule})", "vous aviez été assez sollicité ({rule})"),
    "QUIET_HOURS": ("it was outside the hours for it ({rule})", "c’était en dehors des heures prévues ({rule})"),
    "HELD_OUT": ("you are in a control group ({rule})", "vous faites partie d’un groupe témoin ({rule})"),
    "LIMIT_EXCEEDED": ("a limit was used up ({rule})", "une limite était atteinte ({rule})"),
    "POLICY_DENIED": ("the rules do not allow it ({rule})", "les règles ne l’autorisent pas ({rule})"),
    "STOPPED": ("such calls were halted", "ces appels étaient suspendus"),
    "AUTONOMY_OBSERVE": ("the agent only observes", "l’agent ne fait qu’observer"),
    "HOLD_REFUSED": ("a person refused it", "une personne l’a refusé"),
    "LINEAGE_UNKNOWN": ("nobody knew which model led to it", "on ignorait quel modèle y avait conduit"),
}
_STANDINGS: Final = {
    "granted": ("given", "donné"),
    "none": ("none on record", "aucun enregistré"),
    "refused": ("refused", "refusé"),
    "withdrawn": ("withdrawn", "retiré"),
    "expired": ("too old", "trop ancien"),
    "unknown": ("could not be read", "illisible à ce moment"),
}
_OUTCOMES: Final = {
    "delivered": ("delivered to you", "remis"),
    "opened": ("you opened it", "vous l’avez ouvert"),
    "clicked": ("you clicked", "vous avez cliqué"),
    "replied": ("you replied", "vous avez répondu"),
    "converted": ("you took the offer", "vous avez accepté l’offre"),
    "unsubscribed": ("you unsubscribed", "vous vous êtes désinscrit"),
    "complained": ("you complained", "vous vous êtes plaint"),
    "bounced": ("it could not be delivered", "cela n’a pas pu être remis"),
}

say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
_say_why: Final = saying(_WHY)
_say_standing: Final = saying(_STANDINGS)
_say_outcome: Final = saying(_OUTCOMES)


def entry_sentences(
    record: Record,
    conclusion: Conclusion,
    settlement: Settlement | None,
    *,
    copies: Sequence[ShadowResult],
    told: Sequence[CustomerOutcome],
    language: str,
) -> tuple[str, ...]:
    """One thing that an agent did or tried, for the person whom it concerns."""
    key = record.operation if record.operation in Operation.__members__ else "other"
    at = moment(record.received_ms, language=language)
    lines = [say(key, language=language, at=at, agent=record.agent or "?", channel=record.channel or "?")]
    if purpose := record.purpose or record.category:
        lines.append(say("purpose", language=language, purpose=purpose))
    lines += _came(record, conclusion, settlement, language)
    lines += _why_so(record, language)
    lines += [say("copy", language=language, arm=copy.arm) for copy in copies]
    lines += [
        say("outcome", language=language, what=_known(_OUTCOMES, each.type, language),
            at=moment(each.occurred_ms, language=language))
        for each in told
    ]  # fmt: skip
    return tuple(lines)


def _came(record: Record, conclusion: Conclusion, settlement: Settlement | None, language: str) -> list[str]:
    lines = [say("person", language=language)] * bool(record.decider)
    if conclusion.verdict is Verdict.DENY:
        known = conclusion.reason in _WHY
        why = (
            _say_why(conclusion.reason, language=language, rule=conclusion.rule or "-") if known else conclusion.reason
        )
        return [*lines, say("refused", language=language, why=why)]
    if conclusion.verdict is not Verdict.ALLOW:
        return [*lines, say(conclusion.verdict.value, language=language)]
    lines.append(say("allowed", language=language))
    if settlement is not None and settlement.in_doubt:
        lines.append(say("doubt", language=language))
    elif settlement is not None and settlement.status != "OK":
        lines.append(say("failed", language=language, status=settlement.status))
    return lines


def _why_so(record: Record, language: str) -> list[str]:
    """Which model, tests, consents and rules it depended on."""
    lines = []
    if record.model and record.version:
        lines.append(say("version", language=language, version=record.version, model=record.model))
    if record.lineage is not None:
        led = record.lineage
        lines.append(say("led", language=language, version=led.version, model=led.model))
    lines += [
        say("test", language=language, variation=each.variation, test=each.experiment) for each in record.exposures
    ]
    for look in record.rules:
        if look.mode == "monitor":
            continue
        if not look.standing:
            lines.append(say("rule", language=language, rule=look.rule))
            continue
        values = {"rule": look.rule, "standing": _known(_STANDINGS, look.standing, language)}
        since = day(look.since_ms, language=language)
        lines.append(say("since" if look.since_ms else "consent", language=language, **values, since=since))
    return lines


def _known(texts: dict[str, tuple[str, str]], key: str, language: str) -> str:
    return saying(texts)(key, language=language) if key in texts else key
