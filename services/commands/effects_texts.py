"""What `pilote backtest` and `pilote plan --backtest` say, in English and French."""

from collections.abc import Mapping
from typing import Final

from gateway.core.texts import saying

VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "ALLOW": ("allowed", "autorisé"),
    "DENY": ("refused", "refusé"),
    "HOLD": ("held for a person", "soumis à une personne"),
    "DEFER": ("made later", "fait plus tard"),
}
_TEXTS: Final = {
    "columns": (
        "would change|by|calls|share|customers|for example",
        "changerait|par|appels|part|clients|par exemple",
    ),
    "kind-verdict": ("{was}, would be {becomes}", "{was}, serait {becomes}"),
    "kind-refusal": ("refused or held otherwise: {was} → {becomes}", "refusé ou retenu autrement : {was} → {becomes}"),
    "kind-arm": ("another arm: {was} → {becomes}", "autre branche : {was} → {becomes}"),
    "kind-version": ("another version: {was} → {becomes}", "autre version : {was} → {becomes}"),
    "kind-redactions": ("other redactions: {was} → {becomes}", "autre masquage : {was} → {becomes}"),
    "kind-variations": ("other variations: {was} → {becomes}", "autres variantes : {was} → {becomes}"),
    "kind-others": ("further changes of other kinds", "autres changements"),
    "interval": ("{share} ({low} to {high})", "{share} ({low} à {high})"),
    "left-out": ("{calls} left out: {why} ({examples})", "{calls} laissés de côté : {why} ({examples})"),
    "disagrees": (
        "decided once more under their own revision, they do not come to what was recorded",
        "rejoués sous leur propre révision, ils ne donnent pas ce qui a été enregistré",
    ),
    "facts": (
        "the new policy looks at what is known of the customer, and that was not read then",
        "la nouvelle politique consulte ce que l’on sait du client, qui n’avait pas été lu",
    ),
    "pressure": (
        "the new policy looks at the contact pressure, and that was not read then",
        "la nouvelle politique consulte la pression, qui n’avait pas été lue",
    ),
    "lineage": (
        "the new policy looks at the inference behind an action, and that was not read then",
        "la nouvelle politique consulte l’inférence à l’origine de l’action, qui n’avait pas été lue",
    ),
    "replay-key": (
        "they were sealed with a key that is not in the key file here (PILOTE_REPLAY_KEY_FILE)",
        "scellés avec une clé absente du fichier de clés (PILOTE_REPLAY_KEY_FILE)",
    ),
    "replay-damaged": ("what was kept was changed since", "ce qui a été conservé a été modifié depuis"),
    "replay-version": (
        "another version of Pilote kept them, with other inputs",
        "une autre version de Pilote les a conservés, avec d’autres données",
    ),
    "replay-revision-gone": (
        "the revision that decided is not there any more",
        "la révision qui a décidé n’existe plus",
    ),
    "replay-revision-unreadable": (
        "this version of Pilote cannot read the revision that decided",
        "cette version de Pilote ne peut pas lire la révision qui a décidé",
    ),
    "kind-gone": (
        "{was}, would not be made: what it follows on would end otherwise",
        "{was}, ne serait pas fait : ce qu’il suit finirait autrement",
    ),
    "agents": ("agent|calls|newly refused|newly let through", "agent|appels|nouveaux refus|nouvelles autorisations"),
    "variations": (
        "variation|calls|newly refused|newly let through",
        "variante|appels|nouveaux refus|nouvelles autorisations",
    ),
    "measures": ("measure|as recorded|under the new policy|change", "mesure|enregistré|nouvelle politique|écart"),
    "contacts": ("contacts made", "sollicitations faites"),
    "refusals": ("calls refused", "appels refusés"),
    "waiting": ("calls kept for a person or for later", "appels conservés pour une personne ou plus tard"),
    "converted": ("conversions after contacts", "conversions après sollicitation"),
    "unsubscribed": ("opt-outs after contacts", "désinscriptions après sollicitation"),
    "complained": ("complaints after contacts", "plaintes après sollicitation"),
    "bounced": ("bounces after contacts", "rejets après sollicitation"),
    "revenue": ("revenue after contacts, {currency}", "revenu après sollicitation, {currency}"),
    "lost": ("-{lost} recorded{more}", "-{lost} enregistré{more}"),
    "more": (", +{more} estimated", ", +{more} estimé"),
    "total": (
        "Of {calls} recorded calls {otherwise} would have ended or gone otherwise ({share}): {refused} newly refused, {allowed} newly let through.",
        "Sur {calls} appels enregistrés, {otherwise} auraient fini ou été servis autrement ({share}). Nouveaux refus : {refused} ; nouvelles autorisations : {allowed}.",
    ),
    "customers": (
        "Customers concerned: {refused} by a new refusal, {allowed} by something newly let through.",
        "Clients concernés : {refused} par un nouveau refus, {allowed} par une nouvelle autorisation.",
    ),
    "none": (
        "There are no inputs of calls to replay: the policy says in `replay` of how many calls they are kept.",
        "Il n’y a aucun appel à rejouer : la politique dit dans `replay` pour combien d’appels les données sont conservées.",
    ),
    "counted": (
        "Rules, consents, hours and routes are exact. Limits, caps, gaps, budgets, calls at a time, sequences and the score of pressure are counted over these calls in their order, as a gateway counts them, with the costs and times recorded.",
        "Règles, consentements, horaires et routes sont exacts. Limites, plafonds, délais, budgets, appels simultanés, séquences et score de pression sont comptés sur ces appels dans leur ordre, comme le fait une passerelle, avec les coûts et durées enregistrés.",
    ),
    "uncounted": (
        "Limits and caps are not counted, since only of {share} of the calls it is kept what they were decided by: what they refused or let through is taken as it was.",
        "Limites et plafonds ne sont pas recomptés, car seuls {share} des appels sont conservés : ce qu’ils ont refusé ou laissé passer est repris tel quel.",
    ),
    "estimated": (
        "Estimate: how {calls} calls that were not made then would have ended, by others of their method; this bears on calls at a time, budgets and caps that wait for a delivery.",
        "Estimation : la fin de {calls} appels qui n’ont pas été faits alors, d’après les autres de leur méthode ; cela touche les appels simultanés, les budgets et les plafonds qui attendent une remise.",
    ),
    "unsure": (
        "Not sure: {calls} of those newly let through by limits or caps, since these may still hold what came before the first of these calls.",
        "Incertain : {calls} des nouvelles autorisations par des limites ou plafonds, car ceux-ci peuvent encore contenir ce qui a précédé le premier de ces appels.",
    ),
    "lost-how": (
        "What followed from contacts that would not have been made is recorded; some of it might have come about all the same. What would follow from contacts newly made is an estimate, by the average of all that were made.",
        "Ce qui a suivi les sollicitations qui n’auraient pas été faites est enregistré ; une partie aurait pu se produire malgré tout. Ce qui suivrait les nouvelles sollicitations est une estimation, d’après la moyenne de toutes celles faites.",
    ),
    "left": (
        "Not simulated: what an upstream says of its quota, slots that a cap keeps for calls that wait, another channel after a refusal, a fallback, and what people would decide.",
        "Non simulé : ce qu’un système en aval dit de son quota, les places qu’un plafond réserve aux appels en attente, un autre canal après un refus, une reprise, et ce que décideraient des personnes.",
    ),
    "controlled": (
        "Calls decided once more under their own revision as well: {calls}; all came to what was recorded.",
        "Appels rejoués aussi sous leur propre révision : {calls} ; tous ont donné ce qui a été enregistré.",
    ),
    "lost-process": (
        "The system ended a process of the backtest, most likely for lack of memory: nothing is known of its calls. Try fewer calls at a time, with --since or --limit.",
        "Le système a mis fin à un processus du backtest, sans doute faute de mémoire : on ne sait rien de ses appels. Essayez avec moins d’appels, par --since ou --limit.",
    ),
    "took": ("{calls} calls in {took}.", "{calls} appels en {took}."),
}

say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
