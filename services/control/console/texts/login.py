"""What the page for logging in says."""

from typing import Final

TEXTS: Final = {
    "login": ("Log in", "Connexion"),
    "login-title": ("Log in to Pilote", "Connexion à Pilote"),
    "login-name": ("Name", "Nom"),
    "login-password": ("Password", "Mot de passe"),
    "login-enter": ("Log in", "Se connecter"),
    "login-lost": (
        "Lost your password? Somebody with the role admin can give you one that lets you in once.",
        "Mot de passe perdu ? Une personne qui a le rôle admin peut vous en donner un à usage unique.",
    ),
}
