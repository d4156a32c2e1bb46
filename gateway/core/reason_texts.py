"""Every reason in words, as the end of a sentence such as "The call was refused: …". English and French."""

from typing import Final

from gateway.core.errors import Reason
from gateway.core.texts import LANGUAGES

REASONS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.AGENT_UNAUTHENTICATED: ("nobody could tell who called", "on n’a pas pu établir qui appelait"),
    Reason.ARGUMENT_INVALID: (
        "the request was malformed, too large, or lacked something",
        "la requête était mal formée, trop grande ou incomplète",
    ),
    Reason.METHOD_UNDESCRIBED: (
        "nobody has described how this method is governed",
        "personne n’a décrit comment cette méthode est gouvernée",
    ),
    Reason.POLICY_DENIED: ("the policy does not allow it", "la politique ne l’autorise pas"),
    Reason.STOPPED: ("somebody has halted such calls", "quelqu’un a suspendu ces appels"),
    Reason.CONSENT_MISSING: ("the customer has not agreed to it", "le client n’y a pas consenti"),
    Reason.HELD_OUT: ("the customer is in a control group", "le client fait partie d’un groupe témoin"),
    Reason.QUIET_HOURS: (
        "the customer may not be reached at that time",
        "le client ne peut pas être sollicité à cette heure",
    ),
    Reason.APPROVAL_REQUIRED: ("a person must look at it first", "une personne doit d’abord l’examiner"),
    Reason.DEFERRED: ("it is kept and made later", "il est conservé et sera fait plus tard"),
    Reason.HOLD_REFUSED: ("a person has looked at it and refused it", "une personne l’a examiné et l’a refusé"),
    Reason.HOLD_EXPIRED: (
        "nobody decided in time, or it could not be made in time",
        "personne n’a décidé à temps, ou il n’a pas pu être fait à temps",
    ),
    Reason.HOLD_DAMAGED: (
        "what was kept of it has been changed since",
        "ce qui en avait été conservé a été modifié depuis",
    ),
    Reason.FACTS_DAMAGED: (
        "what is stored of the customer cannot be read",
        "ce qui est enregistré du client est illisible",
    ),
    Reason.AUTONOMY_OBSERVE: ("the agent only observes such calls", "l’agent ne fait qu’observer de tels appels"),
    Reason.LINEAGE_UNKNOWN: (
        "which inference led to it is not known",
        "on ne sait pas quelle inférence y a conduit",
    ),
    Reason.LIMIT_EXCEEDED: ("a limit is used up", "une limite est atteinte"),
    Reason.CAP_EXCEEDED: (
        "the customer has been contacted often enough",
        "le client a été suffisamment sollicité",
    ),
    Reason.IDEMPOTENCY_KEY_REUSED: (
        "its idempotency key had been used with another request",
        "sa clé d’idempotence avait servi pour une autre requête",
    ),
    Reason.IDEMPOTENCY_KEY_RUNNING: (
        "the first call with its idempotency key had not ended",
        "le premier appel portant sa clé d’idempotence n’était pas terminé",
    ),
    Reason.ROUTE_NOT_FOUND: (
        "no route serves this method or model",
        "aucune route ne dessert cette méthode ou ce modèle",
    ),
    Reason.NOT_FOUND: ("what it named does not exist", "ce qu’il désignait n’existe pas"),
    Reason.ALREADY_EXISTS: ("something of that name exists already", "ce nom est déjà pris"),
    Reason.CONFLICT: (
        "what it wanted to change had changed meanwhile",
        "ce qu’il voulait modifier avait changé entre-temps",
    ),
    Reason.UPSTREAM_UNAVAILABLE: (
        "the system behind the gateway did not answer, and has not acted",
        "le système en aval n’a pas répondu, et n’a pas agi",
    ),
    Reason.UPSTREAM_FAILED: ("the system behind the gateway failed", "le système en aval a échoué"),
    Reason.UPSTREAM_IN_DOUBT: (
        "the system behind the gateway may or may not have acted",
        "le système en aval a agi, ou non : on l’ignore",
    ),
    Reason.REPLY_WITHHELD: (
        "the system behind the gateway has acted, but its reply could not be redacted",
        "le système en aval a agi, mais sa réponse n’a pas pu être masquée",
    ),
    Reason.REQUEST_WITHHELD: (
        "something had to be taken out of the request and was not, so it was not sent",
        "la requête devait être masquée en partie et ne l’a pas été : elle n’a pas été transmise",
    ),
    Reason.STORE_UNAVAILABLE: (
        "the store of limits and records did not answer",
        "le registre des limites et des décisions ne répondait pas",
    ),
    Reason.REVISION_MISSING: ("no policy was active", "aucune politique n’était active"),
    Reason.DEADLINE_EXCEEDED: ("the caller’s time was over", "le délai de l’appelant était dépassé"),
    Reason.CANCELLED: ("the caller gave up", "l’appelant a renoncé"),
    Reason.DRAINING: ("the process was about to stop", "le processus allait s’arrêter"),
    Reason.NOT_BUILT: (
        "this version of Pilote does not serve the method yet",
        "cette version de Pilote ne dessert pas encore la méthode",
    ),
    Reason.INTERNAL: ("Pilote made a mistake", "Pilote a fait une erreur"),
}


def why(reason: str, *, language: str) -> str:
    """The reason in words, and its name in brackets; the name alone where it is none of ours."""
    if reason not in Reason.__members__:
        return reason
    return f"{REASONS[Reason(reason)][LANGUAGES.index(language)]} ({reason})"
