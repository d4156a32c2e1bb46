"""What the frame of all pages says, and what they are made of."""

from typing import Final

TEXTS: Final = {
    "shell-skip": ("Skip to content", "Aller au contenu"),
    "shell-menu": ("Menu", "Menu"),
    "shell-sections": ("Sections", "Rubriques"),
    "shell-trail": ("Where you are", "Où vous êtes"),
    "shell-language": ("Language", "Langue"),
    "shell-theme": ("Theme", "Thème"),
    "shell-theme-system": ("As the system", "Comme le système"),
    "shell-theme-light": ("Light", "Clair"),
    "shell-theme-dark": ("Dark", "Sombre"),
    "shell-set": ("Set", "Appliquer"),
    "shell-account": ("Your account", "Votre compte"),
    "shell-log-out": ("Log out", "Se déconnecter"),
    "shell-password": ("Change password", "Changer de mot de passe"),
    "shell-confirm": ("Confirm that it is you", "Confirmez que c’est vous"),
    "shell-dismiss": ("Dismiss", "Fermer"),
    "shell-close": ("Close", "Fermer"),
    "shell-copy": ("Copy", "Copier"),
    "shell-reveal": ("Show what is typed", "Afficher la saisie"),
    "shell-optional": ("(optional)", "(facultatif)"),
    "shell-pages": ("Pages", "Pages"),
    "shell-first": ("First page", "Première page"),
    "shell-next": ("Next page", "Page suivante"),
    "shell-unreachable": (
        "The control plane does not answer. Look whether it was done before you try again.",
        "Le plan de contrôle ne répond pas. Vérifiez si c’est fait avant de réessayer.",
    ),
    "shell-failed": (
        "That did not work. Nothing more is known; try again.",
        "Cela n’a pas fonctionné, sans autre précision ; réessayez.",
    ),
    "shell-note-owed": (
        "The log does not take it down now: it is noted there as soon as the audit service answers.",
        "Le journal ne peut le noter pour l’instant : il y sera inscrit dès que le service d’audit répondra.",
    ),
    "shell-verdict-allow": ("Allowed", "Autorisé"),
    "shell-verdict-deny": ("Denied", "Refusé"),
    "shell-verdict-hold": ("Held", "Retenu"),
    "shell-verdict-defer": ("Deferred", "Différé"),
}
