"""What `pilote replay` and `pilote forget-inputs` say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "replay-agrees": (
        "{decision} agrees: decided once more under revision {revision}, it comes to the same, byte for byte ({said}).",
        "{decision} concorde : rejouée sous la révision {revision}, la décision est la même, octet pour octet ({said}).",
    ),
    "replay-differs": (
        "{decision} differs: decided once more under revision {revision}, it comes to something else.",
        "{decision} diffère : rejouée sous la révision {revision}, la décision est autre.",
    ),
    "replay-columns": ("field|recorded|replayed", "champ|enregistré|rejoué"),
    "replay-bucket": (
        "The limit or cap {by} refused the call then; what it had counted by that time is not decided once more.",
        "La limite ou le plafond {by} a alors refusé l’appel ; ce qui était compté à ce moment n’est pas rejoué.",
    ),
    "replay-stop": (
        "The stop {by} halted the call then; stops are not decided once more.",
        "L’arrêt {by} a alors bloqué l’appel ; les arrêts ne sont pas rejoués.",
    ),
    "replay-store": (
        "The store refused the call then ({by}); that is not decided once more.",
        "La base a alors refusé l’appel ({by}) ; cela n’est pas rejoué.",
    ),
    "replay-repeat": (
        "The call repeated {by} by its idempotency key, and got its answer.",
        "L’appel répétait {by} par sa clé d’idempotence, et en a reçu la réponse.",
    ),
    "replay-standby": (
        "It is about the arm {by}, which took over from the one that was chosen.",
        "Elle concerne la branche {by}, qui a pris le relais de celle qui était choisie.",
    ),
    "replay-kept": (
        "A limit or cap had refused the call, which was kept for that; only what the rules said is compared.",
        "Une limite ou un plafond avait refusé l’appel, qui a donc été gardé ; seul ce que disent les règles est comparé.",
    ),
    "replay-again": (
        "The call was let through without the store, after a first attempt that it had not answered.",
        "L’appel est passé sans la base, après un premier essai auquel elle n’a pas répondu.",
    ),
    "copy-agrees": (
        "Its copy to the arm {arm} agrees too ({said}).",
        "Sa copie vers la branche {arm} concorde aussi ({said}).",
    ),
    "copy-differs": (
        "Its copy to the arm {arm} differs: decided once more, it comes to something else.",
        "Sa copie vers la branche {arm} diffère : rejouée, la décision est autre.",
    ),
    "copy-undecided": (
        "Of its copy to the arm {arm} nothing was decided ({end}).",
        "De sa copie vers la branche {arm}, rien n’a été décidé ({end}).",
    ),
    "replay-unknown": (
        "There is no decision {decision} in the audit service: it may be a second behind, or the id is of another one.",
        "Le service d’audit n’a pas de décision {decision} : il a peut-être une seconde de retard, ou l’identifiant est autre.",
    ),
    "replay-undecided": (
        "The call ended before the rules were asked ({reason}): there is nothing to decide once more.",
        "L’appel s’est terminé avant que les règles soient consultées ({reason}) : il n’y a rien à rejouer.",
    ),
    "replay-hold-ended": (
        "It is about how a hold ended, which people and time decide, and no rule: there is nothing to decide once more.",
        "Elle dit comment une mise en attente a pris fin, ce que décident des personnes et le temps, et aucune règle : il n’y a rien à rejouer.",
    ),
    "replay-share": (
        "What it was decided by is not kept: revision {revision} keeps it of {share} of the calls (`replay`), and this is none of them.",
        "Ce qui a servi à décider n’est pas conservé : la révision {revision} le garde pour {share} des appels (`replay`), dont celui-ci n’est pas.",
    ),
    "replay-expired": (
        "What it was decided by is not kept any more: revision {revision} keeps it for {keep} (`replay`).",
        "Ce qui a servi à décider n’est plus conservé : la révision {revision} le garde {keep} (`replay`).",
    ),
    "replay-large": (
        "What it was decided by was never kept: its request of {size} bytes is larger than what is ({most}).",
        "Ce qui a servi à décider n’a jamais été conservé : sa requête de {size} octets dépasse le maximum ({most}).",
    ),
    "replay-none": (
        "What it was decided by is not there: it was deleted (`pilote forget-inputs`), or lost with its gateway.",
        "Ce qui a servi à décider n’est pas là : supprimé (`pilote forget-inputs`), ou perdu avec sa passerelle.",
    ),
    "replay-erased": (
        "What it was decided by was erased with the customer, so nobody can decide about it once more.",
        "Ce qui a servi à décider a été effacé avec le client : on ne peut plus rejouer cette décision.",
    ),
    "replay-key": (
        "It was sealed with a key that is not in the key file here: set PILOTE_REPLAY_KEY_FILE to the gateways’ one.",
        "Scellé avec une clé absente du fichier de clés : donnez à PILOTE_REPLAY_KEY_FILE celui des passerelles.",
    ),
    "replay-damaged": (
        "What was kept was changed since, or is that of another decision or tenant, and is not used.",
        "Ce qui a été conservé a été modifié depuis, ou est celui d’une autre décision ou d’une autre organisation, et n’est pas utilisé.",
    ),
    "replay-version": (
        "Another version of Pilote kept it, with other inputs.",
        "Une autre version de Pilote l’a conservé, avec d’autres données.",
    ),
    "replay-revision-gone": (
        "The revision that decided is not there any more.",
        "La révision qui a décidé n’existe plus.",
    ),
    "replay-revision-unreadable": (
        "This version of Pilote cannot read the revision that decided.",
        "Cette version de Pilote ne peut pas lire la révision qui a décidé.",
    ),
    "replay-bad-id": (
        "{decision} is no decision: give the id of 32 hexadecimal digits.",
        "{decision} n’est pas une décision : donnez l’identifiant de 32 chiffres hexadécimaux.",
    ),
    "forgotten": (
        "{count} inputs about {subject} were deleted; what was recorded of the decisions stays.",
        "Les données de {count} appels au sujet de {subject} sont supprimées ; les décisions restent enregistrées.",
    ),
}

say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
