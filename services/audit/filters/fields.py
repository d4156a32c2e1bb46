"""What a filter may name: every field with its kind, where it is read from, and what it means. Pure.

A field more is a line more in `FIELDS`: parser, stores, command line and the table in README.md follow.
"""

from enum import Enum
from typing import Final

import msgspec

from services.audit.filters.paths import Path, path

EQUALITY: Final = ("=", "!=", ":")
ORDER: Final = ("=", "!=", "<", "<=", ">", ">=", ":")


class Kind(Enum):
    """What a field's values are."""

    TEXT = "text"
    NUMBER = "number"
    DURATION = "duration"
    """Microseconds."""
    TIME = "time"
    """Milliseconds in a store, microseconds in a filter."""
    BOOL = "bool"
    VERDICT = "verdict"
    STATE = "state"
    OPERATION = "operation"
    NAME = "name"
    SUBJECT = "subject"
    RULE = "rule"
    """The deciding rule, limit or cap, and every rule that applied."""


MEMBERS: Final = {
    Kind.VERDICT: ("ALLOW", "DENY", "HOLD", "DEFER"),
    Kind.STATE: ("RUNNING", "SETTLED", "IN_DOUBT"),
    Kind.OPERATION: ("READ", "WRITE", "CONTACT", "DELETE", "INFER"),
    Kind.BOOL: ("true", "false"),
}


class Field(msgspec.Struct, frozen=True):
    """One field that a filter may name."""

    name: str
    kind: Kind
    path: Path
    english: str
    french: str

    @property
    def comparators(self) -> tuple[str, ...]:
        """Comparators that make sense for it."""
        return ORDER if self.kind in {Kind.NUMBER, Kind.TIME, Kind.DURATION} else EQUALITY

    @property
    def sortable(self) -> bool:
        """Whether decisions may be ordered by it: it has one value, which is a number or a time."""
        return self.comparators == ORDER and self.path.single

    @property
    def countable(self) -> bool:
        """Whether decisions may be counted by its values: there are few of them, and none names a person."""
        told = self.kind in {Kind.TEXT, Kind.RULE, *MEMBERS} or self.name == "revision"
        where = self.path
        return told and where.shape in {"", "[]"} and where.source != "copies" and self.name not in _SELDOM_TWICE


_SELDOM_TWICE: Final = frozenset(
    (
        *(
            "subject_ref",
            "person_ref",
            "unit_ref",
            "contact_ref",
            "conversation",
            "revision_sha256",
            "hold",
            "review_comment",
            "trace_id",
        ),
        *("rule.error", "limit.by", "exposure", "consent.proof"),
    )
)


def _field(name: str, where: str, english: str, french: str, *, kind: Kind = Kind.TEXT) -> Field:
    return Field(name, kind, path(where), english, french)


_WHO: Final = (
    _field("name", "record.id", "resource name, decisions/{decision}", "nom, decisions/{decision}", kind=Kind.NAME),
    _field("tenant", "record.tenant", "tenant of the agent", "organisation de l’agent"),
    _field("agent", "record.agent", "who called", "qui a appelé"),
    _field("agent_version", "record.agent_version", "version of the agent", "version de l’agent"),
    _field("method", "record.method", "full method name", "nom complet de la méthode"),
    _field("operation", "record.operation", "what the method does", "ce que fait la méthode", kind=Kind.OPERATION),
    _field(
        *("subject", "record.subject_ref", "resource name of the customer", "nom de ressource du client"),
        kind=Kind.SUBJECT,
    ),
    _field("subject_ref", "record.subject_ref", "pseudonym of the customer", "pseudonyme du client"),
    _field("unit_ref", "record.unit_ref", "pseudonym that arms are assigned by", "pseudonyme d’affectation"),
    _field("contact_ref", "record.contact_ref", "pseudonym of the address", "pseudonyme du point de contact"),
    _field("channel", "record.channel", "channel of a contact", "canal d’une sollicitation"),
    _field("asked_channel", "record.asked_channel", "channel that was asked for", "canal demandé au départ"),
    _field("category", "record.category", "category of a contact", "catégorie d’une sollicitation"),
    _field("brand", "record.brand", "brand of a contact", "marque d’une sollicitation"),
    _field("campaign", "record.campaign", "campaign it is part of", "campagne dont il fait partie"),
    _field("objective", "record.objective", "objective that it serves", "objectif qu’il sert"),
    _field("topic", "record.topics[]", "any topic of a contact", "un des sujets d’une sollicitation"),
    _field("purpose", "record.purpose", "what a contact is for", "finalité d’une sollicitation"),
)
_AROUND: Final = (
    _field("conversation", "record.conversation", "conversation of the agent", "conversation de l’agent"),
    _field("person_ref", "record.person", "pseudonym of whom it called for", "pseudonyme de la personne représentée"),
    _field("consent", "record.rules[standing=granted].rule", "consent on record", "consentement enregistré"),
    _field("legal_basis", "record.rules[standing=granted].basis", "what it rested on", "base légale du contact"),
    _field("masked", "record.obligations[].rule", "rule that took fields out", "règle qui a masqué des champs"),
    _field("holdout_checked", "record.holdouts[]", "holdout it was looked up in", "groupe témoin consulté"),
    _field("retention", "record.retention", "class of retention", "classe de conservation"),
    _field("facts_latency", "record.steps.facts_us", "time for facts", "durée des faits", kind=Kind.DURATION),
    _field("decide_latency", "record.steps.decide_us", "time for rules", "durée des règles", kind=Kind.DURATION),
    _field("admit_latency", "settlement.admit_us", "time for buckets", "durée des limites", kind=Kind.DURATION),
)
_WAY: Final = (
    _field("model", "record.model", "model that was asked", "modèle demandé"),
    _field("model_version", "record.version", "version of the model", "version du modèle"),
    _field("prompt", "record.prompt", "prompt of the version, name@version", "invite de la version, nom@version"),
    _field("answered_version", "settlement.served", "version that answered", "version qui a répondu"),
    _field("pinned_version", "settlement.pinned", "version that was asked for", "version demandée en aval"),
    _field("connector_version", "record.connector_version", "version of the upstream", "version du système en aval"),
    _field("route", "record.route", "route that was taken", "route empruntée"),
    _field("arm", "record.arm", "arm of the route", "branche de la route"),
    _field("upstream", "record.upstream", "system that was asked", "système en aval"),
    _field("served_arm", "settlement.arm", "arm that took over", "branche qui a pris le relais"),
    _field("rollout", "record.rollout", "rollout that chose the arm", "déploiement qui a choisi la branche"),
    _field("exposure", "record.exposures[].experiment", "any experiment", "une des expériences"),
    _field("exposure.experiment", "record.exposures[].experiment", "any experiment", "une des expériences"),
    _field("exposure.variation", "record.exposures[].variation", "any variation", "une des variantes"),
    _field("holdout", "record.rules[effect=holdout].rule", "holdout that applied", "groupe témoin appliqué"),
    _field("lineage.model", "record.lineage.model", "model that led to it", "modèle à l’origine"),
    _field("lineage.version", "record.lineage.version", "version that led to it", "version à l’origine"),
    _field("lineage.route", "record.lineage.route", "route that led to it", "route à l’origine"),
    _field("lineage.arm", "record.lineage.arm", "arm that led to it", "branche à l’origine"),
    _field("inference", "record.inference", "inference that led to it", "inférence à l’origine", kind=Kind.NAME),
    _field("parent", "record.parent", "decision it follows on", "décision dont elle découle", kind=Kind.NAME),
    _field("standby", "record.standby", "admits another arm only", "n’admet qu’une autre branche", kind=Kind.BOOL),
)
_WHY: Final = (
    _field("revision", "record.revision", "number of the revision", "numéro de la révision", kind=Kind.NUMBER),
    _field("revision_sha256", "record.revision_sha256", "hash of the revision", "empreinte de la révision"),
    _field("verdict", "conclusion.verdict", "what the gateway said", "réponse de la passerelle", kind=Kind.VERDICT),
    _field("reason", "conclusion.reason", "why, UPPER_SNAKE", "motif, EN_MAJUSCULES"),
    _field("rule", "rules", "rule that decided or applied", "règle décisive ou appliquée", kind=Kind.RULE),
    _field("rule.effect", "record.rules[].effect", "effect of a rule", "effet d’une règle"),
    _field("rule.mode", "record.rules[].mode", "enforce or monitor", "enforce ou monitor"),
    _field("rule.error", "record.rules[].error", "what failed in a rule", "ce qui a échoué dans une règle"),
    _field("consent.standing", "record.rules[].standing", "how a consent stood", "état d’un consentement"),
    _field("consent.purpose", "record.rules[].purpose", "purpose of a consent", "finalité d’un consentement"),
    _field("consent.proof", "record.rules[].proof", "where its proof is", "où se trouve sa preuve"),
    _field("masked.of", "record.obligations[].of", "request or reply", "request ou reply"),
    _field("masked.sensitivity", "record.obligations[].sensitivity", "least that it took", "ce qu’elle a masqué"),
    _field("limit", "record.buckets[].limit", "limit or cap it asked", "limite ou plafond consulté"),
    _field("limit.kind", "record.buckets[].kind", "kind of a limit", "sorte d’une limite"),
    _field("limit.by", "record.buckets[].by", "what a limit counts by", "ce que compte une limite"),
    _field("limit.mode", "record.buckets[].mode", "enforce or monitor", "enforce ou monitor"),
    _field("citation", "record.citation", "what a rule's refusal rests on", "fondement du refus d’une règle"),
    _field("would", "record.would", "what would have come of it", "ce qu’il en serait advenu"),
    _field("hold", "record.hold", "id of the hold", "identifiant de la mise en attente"),
    _field("reviewer", "record.decider", "who decided on the hold", "qui a tranché"),
    _field("review_comment", "record.hold_comment", "why they did", "leur motif"),
)
_END: Final = (
    _field("state", "conclusion.state", "how it ended", "comment elle a fini", kind=Kind.STATE),
    _field("status", "conclusion.status", "status the caller got", "statut rendu à l’appelant"),
    _field(
        "latency",
        "settlement.total_us|took_us",
        "whole time, or until refused",
        "durée totale, ou jusqu’au refus",
        kind=Kind.DURATION,
    ),
    _field("upstream_latency", "settlement.upstream_us", "time upstream", "durée en aval", kind=Kind.DURATION),
    _field("overhead", "settlement.overhead_us", "the gateway's part", "part de la passerelle", kind=Kind.DURATION),
    _field(
        "wait_latency", "record.steps.wait_us", "before the first step", "avant la première étape", kind=Kind.DURATION
    ),
    _field("identify_latency", "record.steps.identify_us", "knowing the agent", "identification", kind=Kind.DURATION),
    _field("describe_latency", "record.steps.describe_us", "reading the request", "lecture", kind=Kind.DURATION),
    _field("settle_latency", "settlement.settle_us", "after the upstream", "après l’aval", kind=Kind.DURATION),
    _field("slow", "settlement.slow", "slower than promised", "plus lente que promis", kind=Kind.BOOL),
    _field("gave_back", "settlement.gave_back", "limits given back", "limites rendues", kind=Kind.BOOL),
    _field(
        "cost", "settlement.costs{}", "cost by budget: cost.tokens", "coût par budget : cost.tokens", kind=Kind.NUMBER
    ),
    _field(
        "attempts", "settlement.attempts#", "recorded tries; 0: one", "essais notés ; 0 : un seul", kind=Kind.NUMBER
    ),
    _field("attempt.arm", "settlement.attempts[].arm", "arm of a try", "branche d’un essai"),
    _field("attempt.upstream", "settlement.attempts[].upstream", "system of a try", "système d’un essai"),
    _field("attempt.status", "settlement.attempts[].status", "status of a try", "statut d’un essai"),
    _field("attempt.cause", "settlement.attempts[].why", "retry, fallback, hedge", "retry, fallback, hedge"),
    _field("attempt.latency", "settlement.attempts[].took_us", "time of a try", "durée d’un essai", kind=Kind.DURATION),
    _field("request_bytes", "record.request_bytes", "size of the request", "taille de la requête", kind=Kind.NUMBER),
    _field(
        "response_bytes", "settlement.response_bytes", "size of the reply", "taille de la réponse", kind=Kind.NUMBER
    ),
    _field("retention_days", "record.keep_days", "how long it keeps", "durée de conservation", kind=Kind.NUMBER),
    _field("trace_id", "record.trace_id", "W3C trace id", "identifiant de trace W3C"),
    _field("receive_time", "record.received_ms", "when it came", "arrivée", kind=Kind.TIME),
    _field("decide_time", "record.decided_ms", "when it was decided", "moment de la décision", kind=Kind.TIME),
    _field("settle_time", "conclusion.settled_ms", "when it ended", "fin de l’appel", kind=Kind.TIME),
)

_COPIES: Final = (
    _field("copies.kind", "copies[].kind", "shadow or mirror", "shadow ou mirror"),
    _field("copies.arm", "copies[].arm", "arm that got a copy", "branche qui a reçu une copie"),
    _field("copies.upstream", "copies[].upstream", "system that got a copy", "système qui a reçu une copie"),
    _field("copies.version", "copies[].version", "version that got a copy", "version qui a reçu une copie"),
    _field("copies.end", "copies[].end", "what came of a copy", "ce qu’a donné une copie"),
    _field("copies.agrees", "copies[].agrees", "came to the same", "même résultat que l’appel", kind=Kind.BOOL),
    _field("copies.verdict", "copies[].verdict", "what rules said of it", "ce qu’en ont dit les règles"),
    _field("copies.reason", "copies[].reason", "why they refused it", "motif de leur refus"),
    _field("copies.rule", "copies[].rule", "rule that decided so", "règle qui en a décidé"),
    _field("copies.status", "copies[].status", "status of its upstream", "statut de son système en aval"),
    _field("copies.latency", "copies[].took_us", "time of its upstream", "durée en aval", kind=Kind.DURATION),
)

FIELDS: Final[dict[str, Field]] = {field.name: field for field in (*_WHO, *_AROUND, *_WAY, *_WHY, *_END, *_COPIES)}
