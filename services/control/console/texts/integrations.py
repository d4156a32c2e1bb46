"""What the page *Integrations* says."""

from typing import Final

TEXTS: Final = {
    "integrations": ("Integrations", "Intégrations"),
    "integrations-about": (
        "The systems behind the gateway, as calls of the last hour show them.",
        "Les systèmes derrière la passerelle, tels que les appels de la dernière heure les montrent.",
    ),
    "integrations-none": ("No system yet", "Pas encore de système"),
    "integrations-none-about": (
        "The policy names the systems that agents may reach, under upstreams. Without a policy every call is refused.",
        "La politique nomme les systèmes que les agents peuvent atteindre, sous upstreams. Sans politique, tout appel est refusé.",
    ),
    "integrations-policy": ("Write a policy", "Écrire une politique"),
    "integrations-connectors": ("Systems", "Systèmes"),
    "integrations-name": ("Name", "Nom"),
    "integrations-health": ("Health", "Santé"),
    "integrations-calls": ("Calls", "Appels"),
    "integrations-errors": ("Errors", "Erreurs"),
    "integrations-slow": ("Slower than promised", "Plus lents que promis"),
    "integrations-last": ("Last call", "Dernier appel"),
    "integrations-routes": ("Routes", "Routes"),
    "integrations-well": ("Well", "En bonne santé"),
    "integrations-ill": ("Fails", "En échec"),
    "integrations-some": ("Some calls fail", "Certains appels échouent"),
    "integrations-quiet": ("Not called", "Non appelé"),
    "integrations-unknown": ("Not known now", "Inconnu pour l’instant"),
    "integrations-sandbox": ("sandbox", "bac à sable"),
    "integrations-never": ("never", "jamais"),
    "integrations-feeds": ("Feeds", "Flux"),
    "integrations-feeds-about": (
        "When each kind of system was last spoken to.",
        "Quand chaque type de système a été sollicité pour la dernière fois.",
    ),
    "integrations-feed": ("Feed", "Flux"),
    "integrations-feed-crm": ("CRM", "CRM"),
    "integrations-feed-cdp": ("Customer data platform (CDP)", "Plateforme de données clients (CDP)"),
    "integrations-feed-dmp": ("Audiences (DMP)", "Audiences (DMP)"),
    "integrations-feed-orchestration": ("Journeys", "Parcours"),
    "integrations-feed-tracking": ("Tracking", "Suivi d’événements"),
    "integrations-lag": ("Lag", "Retard"),
}
