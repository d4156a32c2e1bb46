"""What the page for logging in says."""

from typing import Final

TEXTS: Final = {
    "login": ("Log in", "Connexion"),
    "login-title": ("Log in to Pilote", "Connexion à Pilote"),
    "login-name": ("Name", "Nom"),
    "login-password": ("Password", "Mot de passe"),
    "login-enter": ("Log in", "Se connecter"),
    "login-through": ("Log in with {provider}", "Se connecter avec {provider}"),
    "login-left": ("You are logged out", "Vous êtes déconnecté"),
    "login-left-about": (
        "You are still logged in at {provider}. On a computer that others use, log out there too.",
        "Vous êtes encore connecté chez {provider}. Sur un ordinateur partagé, déconnectez-vous-y aussi.",
    ),
    "login-left-go": ("Log out of {provider} too", "Se déconnecter aussi de {provider}"),
    "login-again": ("Log in again", "Se reconnecter"),
    "login-lost": (
        "Lost your password? Somebody with the role admin can give you one that lets you in once.",
        "Mot de passe perdu ? Une personne qui a le rôle admin peut vous en donner un à usage unique.",
    ),
}
