"""What the page *Now* says."""

from typing import Final

TEXTS: Final = {
    "now": ("Now", "En direct"),
    "now-about": ("What agents do at this moment.", "Ce que font les agents en ce moment."),
    "now-empty": ("No call yet", "Aucun appel pour l’instant"),
    "now-empty-about": (
        "Calls appear here as soon as an agent makes one through the gateway.",
        "Les appels apparaissent ici dès qu’un agent en fait un à travers la passerelle.",
    ),
}
