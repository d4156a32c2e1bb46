"""What the commands `pilote webhooks` say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "added": (
        "The endpoint {id} gets events from now on. Its secret is shown this once: {secret}",
        "Le point d’accès {id} reçoit désormais les événements. Son secret n’est affiché que cette fois : {secret}",
    ),
    "tracked": (
        "The tracker {id} is told from now on of contacts on channels for which the customer has agreed to '{purpose}'.",
        "L’outil de suivi {id} est désormais informé des contacts sur les canaux pour lesquels le client a accepté « {purpose} ».",
    ),
    "tracked-all": (
        "The tracker {id} is told of every contact from now on, whether or not the customer has agreed.",
        "L’outil de suivi {id} est désormais informé de chaque contact, que le client ait accepté ou non.",
    ),
    "manner": (
        "A tracker is not told as {manner}: choose --as {known}.",
        "On n’informe pas d’outil de suivi sous la forme {manner} : choisissez --as {known}.",
    ),
    "site": (
        "Matomo counts by site: give --site NUMBER with --as matomo, and with nothing else.",
        "Matomo compte par site : donnez --site NUMÉRO avec --as matomo, et seulement avec lui.",
    ),
    "purpose": (
        "Write --purpose as consents have it: a-z, 0-9, '_', '.' and '-', at most 63, a letter first.",
        "Écrivez --purpose comme dans les consentements : a-z, 0-9, « _ », « . » et « - », 63 au plus, une lettre d’abord.",
    ),
    "write-key": (
        "Trackers of Segment’s kind ask for a write key: give --token-file FILE.",
        "Les outils à la manière de Segment demandent une clé d’écriture : donnez --token-file FICHIER.",
    ),
    "token-file": (
        "{file} has no token: it must hold one line of ASCII without spaces, and be readable.",
        "{file} ne contient pas de jeton : il lui faut une ligne en ASCII sans espaces, lisible.",
    ),
    "removed": ("The endpoint {id} gets nothing any more.", "Le point d’accès {id} ne reçoit plus rien."),
    "no-endpoint": (
        "There is no endpoint {id}: pilote webhooks list shows them.",
        "Il n’y a pas de point d’accès {id} : pilote webhooks list les affiche.",
    ),
    "no-endpoints": (
        "No system is told of events yet: pilote webhooks add URL",
        "Aucun système n’est encore informé des événements : pilote webhooks add URL",
    ),
    "no-deliveries": ("Nothing is on its way.", "Rien n’est en cours d’envoi."),
    "none-dead": ("Nothing has failed to arrive.", "Aucun envoi n’a échoué."),
    "no-delivery": (
        "There is no delivery {name}: pilote webhooks deliveries shows them.",
        "Il n’y a pas d’envoi {name} : pilote webhooks deliveries les affiche.",
    ),
    "replayed": ("{count} sent again.", "{count} envoyés à nouveau."),
    "filled": ("{count} queued from the log.", "{count} mis en file depuis le journal."),
    "since": (
        "{since} is no span of time: write 90s, 30m, 2h or 3d.",
        "{since} n’est pas une durée : écrivez 90s, 30m, 2h ou 3d.",
    ),
    "no-log": (
        "The audit service does not answer, so nothing more was queued: start it, and fill in again.",
        "Le service d’audit ne répond pas, rien de plus n’a donc été mis en file : démarrez-le, puis recommencez.",
    ),
    "unknown-event": (
        "There is no event {event}; there are {known}.",
        "Il n’y a pas d’événement {event} ; il y a {known}.",
    ),
    "target-characters": (
        "{url} is not called: write it in ASCII without spaces, at most 2,000 characters.",
        "{url} ne sera pas appelée : écrivez-la en ASCII sans espaces, 2 000 caractères au plus.",
    ),
    "target-shape": (
        "{url} is no address: write https://host/path.",
        "{url} n’est pas une adresse : écrivez https://hôte/chemin.",
    ),
    "target-user": (
        "{url} is not called: leave user, password and fragment out, for the signature says who calls.",
        "{url} ne sera pas appelée : retirez utilisateur, mot de passe et fragment, car la signature dit qui appelle.",
    ),
    "target-plain": (
        "{url} is not called: write https; without it, only networks in PILOTE_WEBHOOK_NETWORKS are called.",
        "{url} ne sera pas appelée : écrivez https ; sans lui, seuls les réseaux de PILOTE_WEBHOOK_NETWORKS sont appelés.",
    ),
    "target-inside": (
        "{url} is not public: name its network in PILOTE_WEBHOOK_NETWORKS if it is meant.",
        "{url} n’est pas publique : nommez son réseau dans PILOTE_WEBHOOK_NETWORKS si c’est voulu.",
    ),
    "bad-networks": (
        "PILOTE_WEBHOOK_NETWORKS must name networks, parted by commas, such as 10.1.0.0/16.",
        "PILOTE_WEBHOOK_NETWORKS doit nommer des réseaux séparés par des virgules, comme 10.1.0.0/16.",
    ),
    "whose": (
        "Say whose events it gets: --tenant NAME, or --all-tenants.",
        "Dites de qui il reçoit les événements : --tenant NOM, ou --all-tenants.",
    ),
    "all": ("all", "tous"),
}

say: Final = saying(_TEXTS)
