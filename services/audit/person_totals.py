"""What the head of a report about a person says: all that agents did or tried concerning them, in numbers and words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.core.call import Operation
from gateway.core.record import CustomerOutcome, Verdict
from gateway.core.terms import channel_named
from gateway.core.texts import day, moment, saying
from gateway.rpc.times import timestamp
from pilote.audit.v1 import persons_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.person_texts import OUTCOMES, known
from services.audit.personal import until_ms
from services.audit.store import Stored

_DAY_MS: Final = 86_400_000
_TEXTS: Final = {
    "head": (
        "This is what agents of {tenant} did, or tried to do, concerning you, as far as it is recorded on {at}.",
        "Voici ce que les agents de {tenant} ont fait, ou tenté de faire, à votre sujet, selon nos registres au {at}.",
    ),
    "incomplete": (
        "A part of what is recorded cannot be read at the moment and is missing here and in the numbers: ask again.",
        (
            "Une partie de ce qui est enregistré est illisible en ce moment et manque ici et dans les chiffres ; "
            "redemandez plus tard."
        ),
    ),
    "none-else": ("What can be read says nothing about you.", "Ce qui est lisible ne dit rien de vous."),
    "none": ("Nothing is recorded about you.", "Rien n’est enregistré à votre sujet."),
    "counts": (
        "Decisions about you: {decisions}; let through {allowed}, refused {refused}, kept for later or people {kept}.",
        (
            "Décisions à votre sujet : {decisions} ; autorisées {allowed}, refusées {refused}, "
            "conservées pour plus tard ou pour une personne {kept}."
        ),
    ),
    "contacts": ("Contacts that were made: {contacts}.", "Sollicitations faites : {contacts}."),
    "no-contacts": ("No contact was made.", "Aucune sollicitation n’a été faite."),
    "of-late": (
        "Of these in the last 7 days: {week}; in the last 30 days: {month}.",
        "Dont ces 7 derniers jours : {week} ; ces 30 derniers jours : {month}.",
    ),
    "doubtful": (
        "Of these it is not known whether they reached you: {doubtful}.",
        "Dont on ignore si elles vous sont parvenues : {doubtful}.",
    ),
    "outcomes": ("What followed: {outcomes}.", "Ce qui a suivi : {outcomes}."),
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
    "values": (
        "Of {count} decisions it is kept, encrypted, what they were decided by; the last of it until {until}.",
        "Pour {count} décisions, ce sur quoi elles s’appuyaient est conservé, chiffré, au plus tard jusqu’au {until}.",
    ),
    "inputs": (
        (
            "Of {count} calls all that was sent and known is kept, encrypted, so that they can be decided about again; "
            "the last of it until {until}."
        ),
        (
            "Pour {count} appels, tout ce qui a été envoyé et connu est conservé, chiffré, pour pouvoir en décider de "
            "nouveau, au plus tard jusqu’au {until}."
        ),
    ),
    "erased": (
        "Your personal values in what came before {at} were erased.",
        "Vos données personnelles dans ce qui précède le {at} ont été effacées.",
    ),
    "besides": (
        (
            "Not in here is what was refused before anybody could tell whom it concerned, or was deleted because its "
            "time was over."
        ),
        (
            "N’y figure pas ce qui a été refusé avant que l’on sache qui était concerné, ni ce qui a été supprimé "
            "au terme de sa conservation."
        ),
    ),
}
_say: Final = saying(_TEXTS)


class Totals:
    """Counts decisions as they are read. `now_ms` is milliseconds since the epoch."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self.decisions = 0
        self._verdicts: Counter[Verdict] = Counter()
        self._contacts: Counter[str] = Counter()
        self._of_late: Counter[int] = Counter()
        self._doubtful = 0
        self._outcomes: Counter[str] = Counter()
        self._agents: set[str] = set()
        self._variations: set[str] = set()
        self._holdouts: set[str] = set()
        self._values = 0
        self._values_until_ms = 0

    def add(
        self, stored: Stored, *, told: Sequence[CustomerOutcome], values: "decision_pb2.ValuesState.ValueType"
    ) -> None:
        """Count a decision, with what came of it and what is kept of its values."""
        record = stored.record
        self.decisions += 1
        self._verdicts[stored.conclusion.verdict] += 1
        self._agents.add(record.agent)
        self._variations.update(variations(stored))
        self._holdouts.update(look.rule for look in record.rules if look.effect == "holdout")
        self._outcomes.update(each.type for each in told)
        if values == decision_pb2.VALUES_STATE_SEALED:
            self._values += 1
            self._values_until_ms = max(self._values_until_ms, until_ms(record))
        if _contacted(stored):
            self._contacts[record.channel] += 1
            self._doubtful += stored.settlement is None or stored.settlement.in_doubt
            for days in (7, 30):
                self._of_late[days] += record.received_ms > self._now_ms - days * _DAY_MS

    def summary(
        self,
        tenant: str,
        subject_ref: str,
        *,
        erased_ms: int,
        inputs: tuple[int, int],
        whole: bool,
        language: str,
    ) -> persons_pb2.PersonSummary:
        """All of it. `inputs` are how many inputs are kept, and until when the last of them.

        `whole` says whether every part of the store could be read.
        """
        count, inputs_until_ms = inputs
        said = self._sentences(tenant, subject_ref, erased_ms=erased_ms, inputs=inputs, whole=whole, language=language)
        return persons_pb2.PersonSummary(
            subject_ref=subject_ref,
            report_time=timestamp(self._now_ms),
            decisions=self.decisions,
            allowed=self._verdicts[Verdict.ALLOW],
            refused=self._verdicts[Verdict.DENY],
            kept=self._kept,
            contacts=self._contacts,
            contacts_last_week=self._of_late[7],
            contacts_last_month=self._of_late[30],
            contacts_in_doubt=self._doubtful,
            outcomes=self._outcomes,
            agents=sorted(self._agents),
            variations=sorted(self._variations),
            holdouts=sorted(self._holdouts),
            erase_time=timestamp(erased_ms) if erased_ms else None,
            values_kept=self._values,
            values_until_time=timestamp(self._values_until_ms) if self._values else None,
            inputs_kept=count,
            inputs_until_time=timestamp(inputs_until_ms) if count else None,
            sentences=said,
            language_code=language,
        )

    @property
    def _kept(self) -> int:
        return self._verdicts[Verdict.HOLD] + self._verdicts[Verdict.DEFER]

    def _sentences(
        self, tenant: str, ref: str, *, erased_ms: int, inputs: tuple[int, int], whole: bool, language: str
    ) -> list[str]:
        lines = [_say("head", language=language, tenant=tenant, at=moment(self._now_ms, language=language))]
        lines += [_say("incomplete", language=language)] * (not whole)
        nothing = "none" if whole else "none-else"
        lines += self._counted(language) if self.decisions else [_say(nothing, language=language)]
        kept = (("values", self._values, self._values_until_ms), ("inputs", *inputs))
        lines += [
            _say(key, language=language, count=count, until=day(until, language=language))
            for key, count, until in kept
            if count
        ]
        lines += [_say("erased", language=language, at=moment(erased_ms, language=language))] * bool(erased_ms)
        if self.decisions:
            lines.append(_say("pseudonym", language=language, ref=ref))
        return [*lines, _say("besides", language=language)]

    def _counted(self, language: str) -> list[str]:
        allowed, refused = self._verdicts[Verdict.ALLOW], self._verdicts[Verdict.DENY]
        lines = [
            _say(
                "counts", language=language, decisions=self.decisions, allowed=allowed, refused=refused, kept=self._kept
            )
        ]
        if self._contacts:
            named = {channel: channel_named(channel, language=language) or "?" for channel in self._contacts}
            lines.append(_say("contacts", language=language, contacts=_list(self._contacts, named)))
            lines.append(_say("of-late", language=language, week=self._of_late[7], month=self._of_late[30]))
            lines += [_say("doubtful", language=language, doubtful=self._doubtful)] * bool(self._doubtful)
        else:
            lines.append(_say("no-contacts", language=language))
        if self._outcomes:
            named = {kind: known(OUTCOMES, kind, language=language) for kind in self._outcomes}
            lines.append(_say("outcomes", language=language, outcomes=_list(self._outcomes, named)))
        lines.append(_say("agents", language=language, agents=", ".join(sorted(self._agents))))
        for key, names in (("tests", self._variations), ("holdouts", self._holdouts)):
            lines += [_say(key, language=language, **{key: ", ".join(sorted(names))})] * bool(names)
        return lines


def variations(stored: Stored) -> list[str]:
    """The variations of experiments that the person was in, "experiment=variation"."""
    return [f"{each.experiment}={each.variation}" for each in stored.record.exposures]


def _list(counts: Counter[str], named: Mapping[str, str]) -> str:
    return ", ".join(f"{named[key]} {count}" for key, count in sorted(counts.items()))


def _contacted(stored: Stored) -> bool:
    """Whether it is a contact that was made, or may have been; not an answer given again."""
    made = stored.conclusion.verdict is Verdict.ALLOW and not stored.outcome.first
    back = stored.settlement is not None and stored.settlement.gave_back
    return made and not back and stored.record.operation == Operation.CONTACT
