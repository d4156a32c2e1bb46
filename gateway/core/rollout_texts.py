"""Why a rollout stands where it stands, and what it waits for, in English and French."""

import datetime as dt
from typing import Final

from gateway.core.policy.learning import Rollout
from gateway.core.rollouts import Refused, Wait
from gateway.core.texts import LANGUAGES, fill

_CAUSES: Final = {
    "": ("It has never been started.", "Il n’a jamais été lancé."),
    "started": ("Somebody has started it: {reason}", "Quelqu’un l’a lancé : {reason}"),
    "proven": (
        "The candidate is proven not to be worse than its margins allow.",
        "Il est prouvé que le candidat n’est pas moins bon que ses marges ne le permettent.",
    ),
    "waits_for_approval": (
        "The step is done; somebody must let the rollout go on.",
        "L’étape est terminée ; quelqu’un doit autoriser la suite.",
    ),
    "approved": ("Somebody has let it go on: {reason}", "Quelqu’un a autorisé la suite : {reason}"),
    "finished": (
        "The candidate has served everybody for as long as the last step asks.",
        "Le candidat a servi tout le monde aussi longtemps que la dernière étape le demande.",
    ),
    "harm": (
        "The candidate is proven to be worse by more than its margin in {about}.",
        "Il est prouvé que le candidat est moins bon, au-delà de la marge, pour {about}.",
    ),
    "mismatch": (
        "People do not reach the two arms as the shares say, so nothing that is measured can be believed.",
        "La répartition des personnes entre les deux bras ne suit pas les parts : aucune mesure n’est fiable.",
    ),
    "stale": (
        "Calls came, and nothing was heard any more of {about}.",
        "Des appels sont arrivés, mais plus aucune mesure de {about}.",
    ),
    "paused": ("Somebody has paused it: {reason}", "Quelqu’un l’a mis en pause : {reason}"),
    "resumed": ("Somebody has resumed it: {reason}", "Quelqu’un l’a repris : {reason}"),
    "aborted": ("Somebody has taken the candidate back: {reason}", "Quelqu’un a retiré le candidat : {reason}"),
}
_WAITS: Final = {
    "not_begun": ("It waits for somebody to start it.", "Il attend que quelqu’un le lance."),
    "unmeasured": (
        "It stays where it is: what the arms have done could not be asked.",
        "Il reste où il est : les mesures des bras n’ont pas pu être lues.",
    ),
    "no_traffic": (
        "No calls have reached the candidate of late; it waits for some.",
        "Aucun appel n’est arrivé récemment au candidat ; il en attend.",
    ),
    "hold": ("The step lasts until {until} at least.", "L’étape dure au moins jusqu’au {until}."),
    "sample": (
        "It waits for more people: the candidate has served {subjects} of {wanted}.",
        "Il attend plus de personnes : le candidat en a servi {subjects} sur {wanted}.",
    ),
    "unproven": (
        "Not yet proven not to be worse: {about}. It waits for more people.",
        "Pas encore prouvé que le candidat n’est pas moins bon : {about}. Il attend plus de personnes.",
    ),
    "approval": (
        "It waits for somebody to let it go on: in the console, or pilote rollouts approve {name}",
        "Il attend une autorisation : dans la console, ou pilote rollouts approve {name}",
    ),
    "resumption": (
        "It waits to be resumed or taken back: in the console, or pilote rollouts resume {name}, or abort {name}",
        "Il attend une reprise ou un retrait : dans la console, ou pilote rollouts resume {name}, ou abort {name}",
    ),
    "nothing": ("It is over and moves no more.", "Il est terminé et ne bouge plus."),
}
_STATES: Final = {
    "pending": ("pending", "à lancer"),
    "ready": ("ready", "prêt"),
    "running": ("running", "en cours"),
    "paused": ("paused", "en pause"),
    "completed": ("completed", "terminé"),
    "rolled_back": ("rolled back", "retiré"),
}
_REFUSED: Final = {
    "start": (
        "{name} is {state}: only one that is pending or rolled back can be started.",
        "{name} est {state} : seul un déploiement à lancer ou retiré peut être lancé.",
    ),
    "approve": (
        "{name} is {state}: only one that is ready can be approved.",
        "{name} est {state} : seul un déploiement prêt peut être approuvé.",
    ),
    "pause": (
        "{name} is {state}: only one that is running or ready can be paused.",
        "{name} est {state} : seul un déploiement en cours ou prêt peut être mis en pause.",
    ),
    "resume": (
        "{name} is {state}: only one that is paused can be resumed.",
        "{name} est {state} : seul un déploiement en pause peut être repris.",
    ),
    "abort": (
        "{name} is {state}: there is nothing to take back.",
        "{name} est {state} : il n’y a rien à retirer.",
    ),
}


def cause_of(rollout: Rollout, *, language: str = "en") -> str:
    """Why it stands where it stands."""
    about = ", ".join(rollout.about)
    text = _CAUSES[rollout.cause][LANGUAGES.index(language)]
    return fill(text, {"about": about, "reason": rollout.reason or "-"})


def wait_of(rollout: Rollout, wait: Wait, *, language: str = "en") -> str:
    """What it waits for."""
    until = dt.datetime.fromtimestamp(wait.until_ms / 1000, dt.UTC)
    values = {
        "name": rollout.name,
        "about": ", ".join(wait.about),
        "until": until.strftime("%Y-%m-%d %H:%M:%SZ"),
        "subjects": str(wait.subjects),
        "wanted": str(wait.wanted),
    }
    return fill(_WAITS[wait.code][LANGUAGES.index(language)], values)


def state_of(rollout: Rollout, *, language: str = "en") -> str:
    """Its state in one word."""
    return _STATES[rollout.state][LANGUAGES.index(language)]


def refusal_of(rollout: Rollout, refused: Refused, *, language: str = "en") -> str:
    """Why something cannot be done to it."""
    place = LANGUAGES.index(language)
    return fill(_REFUSED[refused.act][place], {"name": rollout.name, "state": _STATES[refused.state][place]})
