"""What the page of the weekly digest says; what a digest itself says is in `services.digest.texts`."""

from typing import Final

TEXTS: Final = {
    "digest": ("Weekly digest", "Bilan de la semaine"),
    "digest-about": (
        "What a week brought against the one before, what is at risk and what to do next, ready to be mailed.",
        "Ce qu’une semaine a apporté face à la précédente, ce qui est menacé et que faire ensuite, prêt à être envoyé.",
    ),
    "digest-week": ("Week", "Semaine"),
    "digest-tenant": ("Tenant", "Organisation"),
    "digest-language": ("Language of the digest", "Langue du bilan"),
    "digest-en": ("English", "Anglais"),
    "digest-fr": ("French", "Français"),
    "digest-show": ("Show", "Afficher"),
    "digest-none": (
        "There is no tenant whose weeks you may see",
        "Aucune organisation dont vous pouvez voir les semaines",
    ),
    "digest-none-about": (
        "A policy names tenants by its agents; ask whoever manages people for the right to see one.",
        "Une politique nomme les organisations par ses agents ; demandez le droit d’en voir une à qui gère les comptes.",
    ),
    "digest-kept": (
        "Kept as it was told when the week was over.",
        "Gardé tel qu’il a été établi à la fin de la semaine.",
    ),
    "digest-not-kept": (
        "Put together now: of this week none was kept, so it may be told otherwise tomorrow.",
        "Établi à l’instant : aucun n’a été gardé pour cette semaine, il peut donc changer demain.",
    ),
    "digest-view": ("Look at the mail", "Voir le courriel"),
    "digest-html": ("HTML", "HTML"),
    "digest-pdf": ("PDF", "PDF"),
    "digest-eml": ("Message (.eml)", "Message (.eml)"),
    "digest-txt": ("Plain text", "Texte brut"),
    "digest-take": ("{form} of “{title}”", "{form} de « {title} »"),
    "digest-preview": ("Preview", "Aperçu"),
    "digest-picture": ("Picture", "Image"),
}
