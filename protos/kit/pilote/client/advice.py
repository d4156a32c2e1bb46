"""What to do about a call that did not go through, for a model that made it. English and French."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pilote.client.refusals import CallEnded

_IN_DOUBT: Final = (
    "It may have been carried out all the same: find out before you repeat it, or ask a person.",
    "L’appel a peut-être abouti malgré tout : vérifiez avant de le répéter, ou demandez à une personne.",
)
_WAIT: Final = (
    "Do not try again before {time}; go on with something else.",
    "Ne réessayez pas avant {time} ; passez à autre chose.",
)
_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "Unauthenticated": (
        "Do not retry: the program that runs you must log in again.",
        "Ne réessayez pas : le programme qui vous exécute doit s’authentifier à nouveau.",
    ),
    "InvalidArgument": ("Correct the arguments, then try again.", "Corrigez les arguments, puis réessayez."),
    "Denied": (
        "Do not repeat it: say that you are not allowed to, and offer an alternative.",
        "Ne le répétez pas : dites que vous n’y êtes pas autorisé, et proposez une autre solution.",
    ),
    "Held": (
        "Do not repeat it: a person decides about {hold}. Go on with something else, or wait for it.",
        "Ne le répétez pas : une personne se prononcera sur {hold}. Passez à autre chose, ou attendez.",
    ),
    "Deferred": (
        "Do not repeat it: it is made by itself, as {hold}.",
        "Ne le répétez pas : il sera fait tout seul, sous {hold}.",
    ),
    "ConsentMissing": (
        "Do not repeat it: ask for the customer’s consent first, by a channel where that is allowed.",
        "Ne le répétez pas : obtenez d’abord le consentement du client, par un canal où c’est permis.",
    ),
    "LineageUnknown": (
        "Ask the model again, and name that inference in the next try.",
        "Interrogez à nouveau le modèle, et citez cette inférence au prochain essai.",
    ),
    "HoldExpired": ("Call again if it is still wanted.", "Refaites l’appel s’il est encore utile."),
    "KeyReused": (
        "Call again with a new request id if it is another request.",
        "Refaites l’appel avec un nouvel identifiant de requête s’il s’agit d’une autre demande.",
    ),
    "KeyRunning": (
        "The same call is running: try again a little later, unchanged.",
        "Le même appel est en cours : réessayez un peu plus tard, sans rien changer.",
    ),
    "NotFound": ("Look for the right name, then try again.", "Cherchez le bon nom, puis réessayez."),
    "AlreadyExists": ("Choose another name, or update it.", "Choisissez un autre nom, ou modifiez l’existant."),
    "Conflict": ("Read it again, then repeat your change.", "Relisez la ressource, puis refaites la modification."),
    "Unavailable": ("Try again a little later.", "Réessayez un peu plus tard."),
    "ReplyWithheld": (
        "It was carried out; do not repeat it.",
        "L’appel a été exécuté ; ne le répétez pas.",
    ),
    "DeadlineExceeded": ("Try again with more time.", "Réessayez avec un délai plus long."),
}
_LAST: Final = (
    "Do not repeat it; tell a person, with the decision {decision}.",
    "Ne le répétez pas ; prévenez une personne, en citant la décision {decision}.",
)


def of(call: "CallEnded") -> str:
    """The call's message, and what to do now, in the language of the message."""
    spoken = ("en", "fr").index(call.language)
    return f"{call.message.strip()} {_what(call)[spoken].format_map(_values(call))}".strip()


def _what(call: "CallEnded") -> tuple[str, str]:
    kinds = [each.__name__ for each in type(call).__mro__]
    if call.may_have_acted and kinds[0] != "ReplyWithheld":
        return _IN_DOUBT
    if call.earliest_time is not None and not call.hold:
        return _WAIT
    return next((_TEXTS[each] for each in kinds if each in _TEXTS), _LAST)


def _values(call: "CallEnded") -> dict[str, str]:
    time = "" if call.earliest_time is None else call.earliest_time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"time": time, "hold": call.hold or "…", "decision": call.decision_id or "…"}
