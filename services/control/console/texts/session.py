"""What every page says when the session of whoever looks is about to end, or has ended."""

from typing import Final

TEXTS: Final = {
    "session-title": ("Your session", "Votre session"),
    "session-soon": (
        "Nobody has done anything here for a while. The session ends at",
        "Rien ne s’est passé ici depuis un moment. La session se termine à",
    ),
    "session-last": (
        "A session lasts twelve hours at most. Save your work, then log in anew.",
        "Une session dure douze heures au plus. Enregistrez votre travail, puis reconnectez-vous.",
    ),
    "session-ended": (
        "Your session has ended. Close this to copy what you have written; log in to come back to this page.",
        "Votre session est terminée. Fermez ceci pour copier votre saisie ; reconnectez-vous pour retrouver cette page.",
    ),
    "session-stay": ("Go on", "Continuer"),
    "session-log-in": ("Log in", "Se connecter"),
}
