"""What the page for choosing a password says."""

from typing import Final

TEXTS: Final = {
    "password": ("Change your password", "Changer de mot de passe"),
    "password-about": (
        "All your sessions in other browsers end with it.",
        "Toutes vos sessions dans d’autres navigateurs se terminent alors.",
    ),
    "password-must": ("Choose a password of your own", "Choisissez votre propre mot de passe"),
    "password-must-about": (
        "The one that you came in with was made for you and lets you in only once. Yours also protects the key that you sign policies with: nobody can do that in your name.",
        "Celui qui vous a servi à entrer a été créé pour vous et ne sert qu’une fois. Le vôtre protège aussi la clé avec laquelle vous signez les politiques : personne ne peut le faire en votre nom.",
    ),
    "password-old": ("Present password", "Mot de passe actuel"),
    "password-must-old": ("One-time password", "Mot de passe à usage unique"),
    "password-new": ("New password", "Nouveau mot de passe"),
    "password-hint": (
        "12 to 256 characters; a few words make a good one.",
        "De 12 à 256 caractères ; quelques mots en font un bon.",
    ),
    "password-set": ("Set password", "Enregistrer"),
    "password-done": ("Your password is changed.", "Votre mot de passe est changé."),
}
