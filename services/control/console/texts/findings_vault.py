"""What the page *Vault*, beside the findings, says."""

from typing import Final

TEXTS: Final = {
    "findings-vault": ("Vault", "Coffre"),
    "findings-vault-about": (
        "Sensitive attributes of customers, for statistics of fairness and nothing else. Nobody can read what is known of one person, and each load, deletion and reading stands in the log.",
        "Les attributs sensibles des clients, pour les statistiques d’équité et rien d’autre. Personne ne peut lire ce que l’on sait d’une personne, et chaque chargement, suppression ou lecture figure au journal.",
    ),
    "findings-vault-held": ("What is held", "Ce qui est conservé"),
    "findings-vault-none": ("The vault holds nothing", "Le coffre est vide"),
    "findings-vault-none-about": (
        "Load an attribute, and the statistics take it up within an hour.",
        "Chargez un attribut : les statistiques en tiendront compte d’ici une heure.",
    ),
    "findings-vault-attribute": ("Attribute", "Attribut"),
    "findings-vault-people": ("People", "Personnes"),
    "findings-vault-purpose": ("Purpose", "Finalité"),
    "findings-vault-basis": ("Legal basis", "Base légale"),
    "findings-vault-loaded": ("Loaded", "Chargé"),
    "findings-vault-goes": ("Deleted by itself", "Supprimé de lui-même"),
    "findings-vault-empty": ("nothing is left", "il n’en reste rien"),
    "findings-vault-load": ("Load an attribute", "Charger un attribut"),
    "findings-vault-tenant": ("Tenant", "Organisation"),
    "findings-vault-file": ("File", "Fichier"),
    "findings-vault-file-hint": (
        "CSV with the head customer,value, at most {most} customers; taken whole or not at all. Who is known already gets the new value.",
        "CSV dont la première ligne est customer,value, {most} clients au plus ; pris en entier ou pas du tout. Qui est déjà connu reçoit la nouvelle valeur.",
    ),
    "findings-vault-values": ("Which values each attribute has", "Les valeurs de chaque attribut"),
    "findings-vault-stays": (
        "The log keeps it for good, so name nobody.",
        "Le journal le garde pour de bon : ne nommez personne.",
    ),
    "findings-vault-days": ("Days until it is deleted", "Jours avant la suppression"),
    "findings-vault-days-hint": (
        "1 to {most}; each value goes by itself when they are over.",
        "De 1 à {most} ; chaque valeur disparaît d’elle-même ensuite.",
    ),
    "findings-vault-take": ("Load", "Charger"),
    "findings-vault-forget": ("Delete before its time", "Supprimer avant l’heure"),
    "findings-vault-all": ("all attributes", "tous les attributs"),
    "findings-vault-customer": ("Customer", "Client"),
    "findings-vault-customer-hint": (
        "Resource name, such as contacts/cnt_000001; empty: everybody.",
        "Nom de ressource, par exemple contacts/cnt_000001 ; vide : tout le monde.",
    ),
    "findings-vault-reason": ("Reason", "Motif"),
    "findings-vault-delete": ("Delete", "Supprimer"),
    "findings-vault-lines": ("What is wrong with the file", "Ce qui ne va pas dans le fichier"),
    "findings-vault-lines-more": ("and {count} more|and {count} more", "et {count} autre|et {count} autres"),
    "findings-vault-no-file": ("Choose a file.", "Choisissez un fichier."),
    "findings-vault-large": ("The file is larger than 4 MiB: split it.", "Le fichier dépasse 4 Mio : divisez-le."),
    "findings-vault-no-text": (
        "The file cannot be read as UTF-8 text.",
        "Le fichier ne peut être lu comme texte en UTF-8.",
    ),
    "findings-vault-said-loaded": (
        "{attribute} is held of {people} people now.",
        "{attribute} : données de {people} personnes désormais.",
    ),
    "findings-vault-said-forgotten": ("Values deleted: {count}.", "Valeurs supprimées : {count}."),
}
