"""What is said where a password must be retyped."""

from typing import Final

TEXTS: Final = {
    "confirm-about": (
        "This changes much, so retype your password. It then counts for five minutes, and opens the key that you sign with.",
        "Cette action a une grande portée : retapez votre mot de passe. Il vaut alors cinq minutes et ouvre votre clé de signature.",
    ),
    "confirm-password": ("Your password", "Votre mot de passe"),
    "confirm-go": ("Confirm", "Confirmer"),
    "confirm-done": (
        "Confirmed for five minutes. Do once more what you wanted to do.",
        "Confirmé pour cinq minutes. Refaites ce que vous vouliez faire.",
    ),
    "confirm-provider": (
        "You log in through your company: log in there once more to confirm that it is you. Then do once more what you wanted to do.",
        "Vous vous connectez par votre entreprise : reconnectez-vous pour confirmer votre identité, puis refaites ce que vous vouliez faire.",
    ),
    "confirm-provider-go": ("Log in once more", "Se reconnecter"),
}
