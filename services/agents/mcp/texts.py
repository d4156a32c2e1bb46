"""What a model is told to do next, in English and French. The refusal itself comes from the gateway, in its words."""

from typing import Final

from gateway.core.texts import fill, span, typeset

_NEXT: Final[dict[str, tuple[str, str]]] = {
    "HOLD": (
        "The call is kept as {hold}. Do not send it again: call the tool holds_wait with the name {hold}, which answers when something has become of it.",
        "L’appel est gardé sous le nom {hold}. Ne le renvoyez pas : appelez l’outil holds_wait avec le nom {hold} ; il répond dès que son sort est connu.",
    ),
    "ARGUMENT_INVALID": (
        "Correct the arguments named above and call the tool again.",
        "Corrigez les arguments nommés ci-dessus et rappelez l’outil.",
    ),
    "AGENT_UNAUTHENTICATED": (
        "No repeat will succeed with this credential: whoever runs this agent must give it a valid one.",
        "Aucune répétition n’aboutira avec ces identifiants : la personne qui exploite cet agent doit en fournir de valables.",
    ),
    "POLICY_DENIED": (
        "No repeat of this call will succeed. Use another tool, or tell the person you work for what was refused and why.",
        "Aucune répétition de cet appel n’aboutira. Utilisez un autre outil, ou dites à la personne pour qui vous travaillez ce qui a été refusé et pourquoi.",
    ),
    "STOPPED": (
        "Calls like this one are stopped until a person lifts the stop. Do not repeat it; tell the person you work for.",
        "Les appels de ce genre sont arrêtés jusqu’à ce qu’une personne lève l’arrêt. Ne répétez pas ; prévenez la personne pour qui vous travaillez.",
    ),
    "HELD_OUT": (
        "This customer is not contacted at all. Go on with another one.",
        "Ce client n’est pas contacté du tout. Passez à un autre.",
    ),
    "CONSENT_MISSING": (
        "Do not look for another way to reach this customer for the same purpose. Go on with another customer, or with what needs no consent.",
        "Ne cherchez pas à joindre ce client autrement dans le même but. Passez à un autre client, ou à ce qui ne demande aucun consentement.",
    ),
    "CAP_EXCEEDED": (
        "This customer has been contacted enough for now. Another customer can still be contacted.",
        "Ce client a été assez sollicité pour le moment. Un autre client peut encore être contacté.",
    ),
    "LIMIT_EXCEEDED": (
        "The limit is used up for now. Ask for less at a time, or do something else meanwhile.",
        "La limite est épuisée pour le moment. Demandez moins à la fois, ou faites autre chose entre-temps.",
    ),
    "QUIET_HOURS": (
        "This customer is not to be disturbed at this time. A channel that does not disturb, if the policy has one, may be used at once.",
        "Ce client ne doit pas être dérangé à cette heure. Un canal qui ne dérange pas, si la politique en prévoit un, peut être utilisé tout de suite.",
    ),
    "AUTONOMY_OBSERVE": (
        "This agent only observes: the call was noted, not made. Go on as if it had been left undone.",
        "Cet agent ne fait qu’observer : l’appel a été noté, pas exécuté. Continuez comme s’il n’avait pas eu lieu.",
    ),
    "LINEAGE_UNKNOWN": (
        "Name the inference that led to this call: send its decision in the header pilote-inference-id.",
        "Nommez l’inférence qui a mené à cet appel : envoyez sa décision dans l’en-tête pilote-inference-id.",
    ),
    "NOT_FOUND": (
        "Look up the right name with a tool that lists or searches, then call again.",
        "Cherchez le bon nom avec un outil qui liste ou recherche, puis rappelez.",
    ),
    "ALREADY_EXISTS": (
        "It exists already: read it and change it, or choose another name.",
        "Cela existe déjà : lisez-le et modifiez-le, ou choisissez un autre nom.",
    ),
    "CONFLICT": (
        "It has changed meanwhile: read it again, then repeat the call with its new etag.",
        "Cela a changé entre-temps : relisez, puis répétez l’appel avec le nouvel etag.",
    ),
    "IDEMPOTENCY_KEY_REUSED": (
        "This request_id belongs to another request: use a new one for a new request.",
        "Ce request_id appartient à une autre demande : utilisez-en un nouveau pour une nouvelle demande.",
    ),
    "IDEMPOTENCY_KEY_RUNNING": (
        "The first call with this request_id still runs: repeat it, unchanged, a little later.",
        "Le premier appel portant ce request_id est en cours : répétez-le tel quel un peu plus tard.",
    ),
    "UPSTREAM_IN_DOUBT": (
        "It may have been done, or not. Do not simply repeat it: look first, or repeat it with the same request_id.",
        "Cela a peut-être été fait. Ne répétez pas sans précaution : vérifiez d’abord, ou répétez avec le même request_id.",
    ),
    "DEADLINE_EXCEEDED": (
        "There was no answer in time. Ask for less at a time; before repeating a call that changes something, look whether it was done.",
        "Aucune réponse n’est venue à temps. Demandez moins à la fois ; avant de répéter un appel qui modifie quelque chose, vérifiez s’il a été fait.",
    ),
    "UNAVAILABLE": (
        "Nothing was done. Repeat the call a little later.",
        "Rien n’a été fait. Répétez l’appel un peu plus tard.",
    ),
    "": (
        "Do not repeat the call unchanged. If nothing else helps, tell the person you work for.",
        "Ne répétez pas l’appel tel quel. Si rien d’autre n’aide, prévenez la personne pour qui vous travaillez.",
    ),
}
_SAME: Final = {
    "METHOD_UNDESCRIBED": "POLICY_DENIED",
    "HOLD_REFUSED": "POLICY_DENIED",
    "ROUTE_NOT_FOUND": "POLICY_DENIED",
}
_OTHERS: Final[dict[str, tuple[str, str]]] = {
    "wait": (
        "Do not repeat it before {time}, in {span}.",
        "Ne le répétez pas avant {time}, dans {span}.",
    ),
    "more-pages": (
        "There is more: call {tool} again with the same arguments and page_token {token}.",
        "Il y en a d’autres : rappelez {tool} avec les mêmes arguments et page_token {token}.",
    ),
    "more-items": (
        "There may be more: call {tool} again with the same arguments and skip_items {skip}.",
        "Il y en a peut-être d’autres : rappelez {tool} avec les mêmes arguments et skip_items {skip}.",
    ),
    "still-held": (
        "Nothing has become of it yet. Call holds_wait again with the name {hold}.",
        "Rien n’est encore décidé. Rappelez holds_wait avec le nom {hold}.",
    ),
    "too-large": (
        "The answer is larger than a tool may give, {most} characters: ask for less, with a smaller page or a narrower filter.",
        "La réponse dépasse ce qu’un outil peut donner, {most} caractères : demandez moins, par une page plus petite ou un filtre plus étroit.",
    ),
    "invalid": (
        "The arguments do not fit: {problem}.",
        "Les arguments ne conviennent pas : {problem}.",
    ),
    "waiting": ("Still waiting for {hold}.", "Toujours en attente de {hold}."),
    "received": ("{count} received.", "{count} reçus."),
}


def next_step(reason: str, *, code: str, language: str) -> str:
    """What to do after a refusal for that reason, or where that says nothing for that status code."""
    found = _NEXT.get(_SAME.get(reason, reason)) or _NEXT.get(code) or _NEXT[""]
    return _in(language, found)


def held(hold: str, *, language: str) -> str:
    """What to do about a call that is kept."""
    return fill(_in(language, _NEXT["HOLD"]), {"hold": hold})


def wait(time: str, wait_ms: int, *, language: str) -> str:
    """When a repeat is worth it."""
    return said("wait", language=language, time=time, span=span(wait_ms, language=language))


def said(code: str, *, language: str, **values: str) -> str:
    """A text of this front."""
    return fill(_in(language, _OTHERS[code]), values)


def _in(language: str, both: tuple[str, str]) -> str:
    return typeset(both[1]) if language == "fr" else both[0]
