"""What pages say when there is nothing to show."""

from typing import Final

TEXTS: Final = {
    "failure-home": ("Go to the start", "Aller à l’accueil"),
    "failure-404": ("There is no such page", "Cette page n’existe pas"),
    "failure-404-about": (
        "The address is misspelt, or what it led to is gone.",
        "L’adresse est mal écrite, ou ce à quoi elle menait n’existe plus.",
    ),
    "failure-403": ("You may not see this", "Vous n’avez pas accès à cette page"),
    "failure-403-about": (
        "It needs a right that you do not have. Ask somebody with the role admin for it.",
        "Il faut pour cela un droit que vous n’avez pas. Demandez-le à une personne qui a le rôle admin.",
    ),
    "failure-400": ("That could not be done", "Cela n’a pas pu être fait"),
    "failure-400-about": (
        "Go back, and try again with what is asked for.",
        "Revenez en arrière et réessayez avec ce qui est demandé.",
    ),
    "failure-405": ("That cannot be done here", "Cette action n’existe pas ici"),
    "failure-405-about": (
        "Go back, load the page anew and try again.",
        "Revenez en arrière, rechargez la page et réessayez.",
    ),
    "failure-413": ("That was too much", "C’était trop volumineux"),
    "failure-413-about": (
        "What was sent is larger than what is taken here. Send less at once.",
        "L’envoi dépasse la taille admise ici. Envoyez-en moins à la fois.",
    ),
    "failure-503": ("Something that is needed does not answer", "Un service nécessaire ne répond pas"),
    "failure-503-about": ("Try again in a moment.", "Réessayez dans un instant."),
    "failure-500": ("We made a mistake", "Nous avons fait une erreur"),
    "failure-500-about": (
        "It is in our log. Try again; if it stays so, tell those who run Pilote when it was.",
        "Elle est dans notre journal. Réessayez ; si elle persiste, dites l’heure à l’équipe qui exploite Pilote.",
    ),
}
