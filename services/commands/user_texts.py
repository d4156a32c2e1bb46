"""What the commands about accounts say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "none": (
        "There is no account yet: pilote users add NAME --role admin",
        "Il n’y a pas encore de compte : pilote users add NOM --role admin",
    ),
    "columns": ("name|display name|roles|state|e-mail|since", "nom|nom affiché|rôles|état|e-mail|depuis"),
    "session-columns": (
        "session|browser|began|last used|ends",
        "session|navigateur|début|dernier usage|fin",
    ),
    "active": ("active", "actif"),
    "disabled": ("disabled", "désactivé"),
    "must-change": ("waits for a password", "attend un mot de passe"),
    "added": (
        "{name} can log in with this password once within seven days, and must then choose one:",
        "{name} peut se connecter une fois avec ce mot de passe sous sept jours, et devra en choisir un :",
    ),
    "reset": (
        "{name} is logged out everywhere and can log in with this password once within seven days. Their signing key is gone; the policy will need the next one:",
        "{name} est déconnecté partout et peut se connecter une fois avec ce mot de passe sous sept jours. Sa clé de signature n’existe plus ; la politique aura besoin de la prochaine :",
    ),
    "granted": ("{name} has: {grants}", "{name} a : {grants}"),
    "disabled-done": (
        "{name} is disabled and logged out everywhere.",
        "{name} est désactivé et déconnecté partout.",
    ),
    "enabled-done": ("{name} can log in again.", "{name} peut se reconnecter."),
    "sessions-ended": (
        "Sessions of {name} that were ended: {count}.",
        "Sessions de {name} terminées : {count}.",
    ),
    "role": (
        "{role} is no role; there are: {roles}.",
        "{role} n’est pas un rôle ; il y a : {roles}.",
    ),
    "unreadable": (
        "This cannot be read: {problem}.",
        "Ceci ne peut pas être lu : {problem}.",
    ),
    "bootstrap": (
        "Log in at {url} as {name} with this password, once: {password}",
        "Connectez-vous à {url} en tant que {name} avec ce mot de passe, une seule fois : {password}",
    ),
}

say = saying(_TEXTS)
