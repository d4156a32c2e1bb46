"""What the command about capacity says, in English and French."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "rows": ("what|needed", "quoi|nécessaire"),
    "gateway_cores": ("gateway: workers, a core each", "passerelle : processus, un cœur chacun"),
    "gateway_memory_mb": ("gateway: memory, MB", "passerelle : mémoire, Mo"),
    "store_shards": ("store: primaries, a core each", "stockage : serveurs primaires, un cœur chacun"),
    "store_memory_mb": ("store: memory for decisions that wait, MB", "stockage : mémoire des décisions en attente, Mo"),
    "writers": ("audit: writers", "audit : processus d’écriture"),
    "database_gb": ("audit: sealed decisions, GB", "audit : décisions scellées, Go"),
    "network_mbit": ("network of the gateways, Mbit/s", "réseau des passerelles, Mbit/s"),
    "wait": ("wait for a core: mean, 99th percentile, ms", "attente d’un cœur : moyenne, 99e centile, ms"),
    "none": ("One of each has room.", "Un seul de chaque suffit."),
    "gateway": (
        "What grows with the load is the gateways’ CPU: add workers.",
        "Ce qui croît avec la charge est le processeur des passerelles : ajoutez des processus.",
    ),
    "cell": (
        "A tenant’s cell is in one server of the store, and that is too little for this load: spread it over more (pilote cells), then add --cells.",
        "La cellule d’une organisation tient dans un seul serveur du stockage, trop peu pour cette charge : répartissez-la (pilote cells), puis ajoutez --cells.",
    ),
    "writer": (
        "One writer stores too little: decisions go to PostgreSQL, by as many audit services.",
        "Un seul processus d’écriture ne suffit pas : mettez les décisions dans PostgreSQL, avec autant de services d’audit.",
    ),
    "stated": (
        "A model of what was measured on one machine, at {busy}% of each core: --json says where each number comes from.",
        "Modèle tiré de mesures sur une machine, à {busy} % de chaque cœur : --json donne l’origine de chaque nombre.",
    ),
    "wrong": (
        "Calls a second are more than 0 and at most {most}; cells are 1 or more.",
        "Les appels par seconde vont de plus de 0 à {most} ; les cellules sont au moins 1.",
    ),
}
say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
