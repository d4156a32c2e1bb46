"""What must change for a call to pass that ended for a reason with nothing more to tell, in plain words.

English and French. Every reason has a text, also those that tell more where the record has it.
"""

from typing import Final

from gateway.core.errors import Reason
from gateway.core.texts import LANGUAGES, fill

REASONS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.AGENT_UNAUTHENTICATED: (
        "The caller must identify itself with a credential that the policy knows.",
        "L’appelant doit s’identifier par une clé ou un jeton que la politique connaît.",
    ),
    Reason.ARGUMENT_INVALID: (
        "The request must be corrected as the refusal says.",
        "La requête doit être corrigée comme l’indique le refus.",
    ),
    Reason.METHOD_UNDESCRIBED: (
        "Somebody must describe in the policy’s contracts how this method is governed.",
        "Quelqu’un doit décrire, dans les contrats de la politique, comment cette méthode est gouvernée.",
    ),
    Reason.POLICY_DENIED: ("The policy must allow it.", "La politique doit l’autoriser."),
    Reason.STOPPED: ("Whoever has halted such calls must resume them.", "La suspension de ces appels doit être levée."),
    Reason.CONSENT_MISSING: ("The customer must agree to it.", "Le client doit y consentir."),
    Reason.HELD_OUT: (
        "The customer must not be in a control group, or it must be readable whether they are.",
        "Le client ne doit pas faire partie d’un groupe témoin, ou il faut pouvoir lire s’il en fait partie.",
    ),
    Reason.QUIET_HOURS: (
        "It must be made at an hour at which the customer may be reached.",
        "Il doit être fait à une heure où le client peut être sollicité.",
    ),
    Reason.APPROVAL_REQUIRED: (
        "A person must decide about it, or about the call that it repeats.",
        "Une personne doit décider de cet appel, ou de celui qu’il répète.",
    ),
    Reason.AUTONOMY_OBSERVE: (
        "The agent must be given more autonomy.",
        "L’agent doit recevoir plus d’autonomie.",
    ),
    Reason.LINEAGE_UNKNOWN: (
        "It must name a recent inference that is known.",
        "Il doit citer une inférence récente et connue.",
    ),
    Reason.LIMIT_EXCEEDED: ("The limit must have room.", "La limite doit avoir de la place."),
    Reason.CAP_EXCEEDED: (
        "The customer must have been contacted less.",
        "Le client doit avoir été moins sollicité.",
    ),
    Reason.ROUTE_NOT_FOUND: (
        "A route must serve this method or model.",
        "Une route doit desservir cette méthode ou ce modèle.",
    ),
    Reason.REVISION_MISSING: ("A policy must be active.", "Une politique doit être active."),
    Reason.STORE_UNAVAILABLE: (
        "The store of limits and records must answer: retry.",
        "Le registre des limites et des décisions doit répondre : réessayez.",
    ),
    Reason.DEADLINE_EXCEEDED: (
        "The caller must give it more time.",
        "L’appelant doit lui laisser plus de temps.",
    ),
    Reason.CANCELLED: ("The caller must not give up before.", "L’appelant ne doit pas renoncer avant."),
    Reason.DRAINING: (
        "It must be made again: the process was about to stop.",
        "Il doit être refait : le processus allait s’arrêter.",
    ),
    Reason.IDEMPOTENCY_KEY_REUSED: (
        "It must carry an idempotency key of its own.",
        "Il doit porter sa propre clé d’idempotence.",
    ),
    Reason.IDEMPOTENCY_KEY_RUNNING: (
        "The first call with its idempotency key must end.",
        "Le premier appel portant sa clé d’idempotence doit se terminer.",
    ),
    Reason.UPSTREAM_IN_DOUBT: (
        "Somebody must find out whether the first call has acted, before it is repeated with a new key.",
        "Il faut vérifier si le premier appel a agi, avant de le répéter avec une nouvelle clé.",
    ),
    Reason.HOLD_REFUSED: (
        "A person would have to decide otherwise: they refused it.",
        "Une personne devrait en décider autrement : elle l’a refusé.",
    ),
    Reason.HOLD_DAMAGED: (
        "It must be made anew; and somebody must find out who has changed what was kept of it.",
        "Il doit être refait ; et il faut chercher qui a modifié ce qui en avait été conservé.",
    ),
    Reason.FACTS_DAMAGED: (
        "What is stored of the customer must be put in anew: pilote facts import --replace-damaged.",
        "Ce qui est enregistré du client doit être saisi à nouveau : pilote facts import --replace-damaged.",
    ),
    Reason.HOLD_EXPIRED: (
        "It must be made anew: it was kept too long.",
        "Il doit être refait : il a été conservé trop longtemps.",
    ),
    Reason.NOT_FOUND: ("It must name something that exists.", "Il doit désigner quelque chose qui existe."),
    Reason.ALREADY_EXISTS: (
        "It must choose another name, or change what has this one.",
        "Il doit choisir un autre nom, ou modifier ce qui porte celui-ci.",
    ),
    Reason.CONFLICT: (
        "What it changes must be read again before.",
        "Ce qu’il modifie doit être relu auparavant.",
    ),
    Reason.UPSTREAM_UNAVAILABLE: (
        "The system behind the gateway must answer: retry.",
        "Le système en aval doit répondre : réessayez.",
    ),
    Reason.UPSTREAM_FAILED: (
        "The system behind the gateway must not fail: retry, or tell its owner.",
        "Le système en aval ne doit pas échouer : réessayez, ou prévenez son responsable.",
    ),
    Reason.REPLY_WITHHELD: (
        "Nothing: the system behind the gateway has acted. Its owner must mend the reply.",
        "Rien : le système en aval a agi. Son responsable doit corriger la réponse.",
    ),
    Reason.REQUEST_WITHHELD: (
        "Envoy must have requests redacted: whoever runs the gateway sets its filter ext_proc for them.",
        "Envoy doit faire masquer les requêtes : l’exploitant de la passerelle règle son filtre ext_proc à cet effet.",
    ),
    Reason.NOT_BUILT: (
        "Pilote must be upgraded to a version that serves the method.",
        "Pilote doit être mis à jour vers une version qui dessert la méthode.",
    ),
    Reason.INTERNAL: (
        "A mistake of Pilote must be mended: report the decision.",
        "Une erreur de Pilote doit être corrigée : signalez la décision.",
    ),
    Reason.DEFERRED: (
        "Nothing: it is kept, and made once its time has come.",
        "Rien : il est conservé, et sera fait le moment venu.",
    ),
}
_OTHERWISE: Final = (
    "What led to {reason} must not happen again.",
    "Ce qui a mené à {reason} ne doit pas se reproduire.",
)


def reason_must(reason: str, *, language: str) -> str:
    """The obstacle of a reason, as a sentence; of one that is none of ours what can be said."""
    texts = REASONS[Reason(reason)] if reason in Reason.__members__ else _OTHERWISE
    return fill(texts[LANGUAGES.index(language)], {"reason": reason})
