"""What the page *Your account* says."""

from typing import Final

TEXTS: Final = {
    "account": ("Your account", "Votre compte"),
    "account-about": (
        "Your sessions, tokens and what you may do.",
        "Vos sessions, vos jetons et ce que vous pouvez faire.",
    ),
    "account-password": ("Change password", "Changer de mot de passe"),
    "account-may": ("What you may do", "Ce que vous pouvez faire"),
    "account-everywhere": ("all tenants", "toutes les organisations"),
    "account-sessions": ("Sessions", "Sessions"),
    "account-browser": ("Browser", "Navigateur"),
    "account-begun": ("Begun", "Ouverte"),
    "account-used": ("Last used", "Dernière utilisation"),
    "account-here": ("this one", "celle-ci"),
    "account-end": ("End", "Terminer"),
    "account-end-others": ("End all others", "Terminer toutes les autres"),
    "account-ended": ("The session has ended.", "La session est terminée."),
    "account-others-ended": ("All other sessions have ended.", "Toutes les autres sessions sont terminées."),
    "account-tokens": ("API tokens", "Jetons d’API"),
    "account-tokens-about": (
        "For programs: “authorization: Bearer …”. A token may at most what you may when it is used.",
        "Pour les programmes : « authorization: Bearer … ». Un jeton peut au plus ce que vous pouvez au moment de son usage.",
    ),
    "account-tokens-none": ("No tokens yet", "Pas encore de jeton"),
    "account-tokens-none-about": (
        "Make one for a program that asks the control plane in your name.",
        "Créez-en un pour un programme qui interroge le plan de contrôle en votre nom.",
    ),
    "account-token-name": ("What it is for", "À quoi il sert"),
    "account-token-scopes": ("May", "Peut"),
    "account-token-sign": ("Sign policies in my name", "Signer des politiques en mon nom"),
    "account-token-days": ("Days until it expires", "Jours avant expiration"),
    "account-token-expires": ("Expires", "Expire"),
    "account-token-make": ("Make a token", "Créer un jeton"),
    "account-token-made": ("Your new token", "Votre nouveau jeton"),
    "account-token-once": (
        "Copy it now: it is never shown again.",
        "Copiez-le maintenant : il ne sera plus jamais affiché.",
    ),
    "account-token-revoke": ("Revoke", "Révoquer"),
    "account-token-revoked": ("The token answers no more.", "Le jeton ne répond plus."),
    "account-never": ("never", "jamais"),
    "account-key": ("Key that you sign with", "Clé avec laquelle vous signez"),
    "account-key-none": (
        "You get one when you choose a password.",
        "Vous en recevez une en choisissant un mot de passe.",
    ),
    "account-back": ("To your account", "Vers votre compte"),
}
