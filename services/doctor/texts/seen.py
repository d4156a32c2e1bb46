"""What was seen, by the key of an observation."""

from typing import Final

SEEN: Final[dict[str, tuple[str, str]]] = {
    "part-silent": ("It did not answer in time.", "Pas de réponse à temps."),
    "part-failed": ("Looking at it has failed.", "L’examen a échoué."),
    "store-needed": ("Not looked at: the store does not answer.", "Non examiné : le stockage ne répond pas."),
    # processes
    "children-ready": (
        "All {count} processes of `pilote up` are ready.",
        "Les {count} processus de `pilote up` sont prêts.",
    ),
    "child-not-ready": ("{child} is {state}.", "{child} est dans l’état {state}."),
    "child-restarted": (
        "{child} has died and was started again {count} time(s).",
        "{child} s’est arrêté et a été relancé {count} fois.",
    ),
    "nothing-runs": (
        "No process of Pilote answers where the settings say.",
        "Aucun processus de Pilote ne répond aux adresses configurées.",
    ),
    "processes-silent": (
        "{count} processes answer; these do not: {names}.",
        "{count} processus répondent ; ceux-ci non : {names}.",
    ),
    "processes-well": ("All {count} processes answer.", "Les {count} processus répondent."),
    # store
    "store-url": ("PILOTE_REDIS_URL is no URL of a store.", "PILOTE_REDIS_URL n’est pas l’URL d’un stockage."),
    "store-down": ("The store {address} does not answer.", "Le stockage {address} ne répond pas."),
    "store-denied": (
        "The store {address} refuses our name, password or rights.",
        "Le stockage {address} refuse notre nom, mot de passe ou droits.",
    ),
    "store-loading": (
        "The store {address} is still loading its data.",
        "Le stockage {address} charge encore ses données.",
    ),
    "store-up": ("{kind} {version} answers. {address}", "{kind} {version} répond. {address}"),
    "store-replica": (
        "The server {address} is a replica and takes no writes.",
        "Le serveur {address} est une réplique et n’accepte pas d’écriture.",
    ),
    "store-replicas": ("{replicas} replica(s) copy it. {address}", "{replicas} réplique(s) le copient. {address}"),
    "cluster-uncovered": (
        "Nobody keeps {missing} of the cluster’s 16384 slots.",
        "Personne ne garde {missing} des 16384 emplacements du cluster.",
    ),
    "cluster-covered": (
        "{servers} primaries keep all slots of the cluster.",
        "{servers} serveurs primaires gardent tous les emplacements du cluster.",
    ),
    "store-evicts": (
        "The store may throw away what was promised (maxmemory-policy {policy}). {address}",
        "Le stockage peut jeter ce qui a été promis (maxmemory-policy {policy}). {address}",
    ),
    "store-evicted": (
        "The store has thrown away {count} keys since its start: caps and records may be missing. {address}",
        "Le stockage a jeté {count} clés depuis son démarrage : des plafonds et des enregistrements peuvent manquer. {address}",
    ),
    "store-forgets": (
        "The store has no append-only file: a restart forgets caps, holds and records. {address}",
        "Le stockage n’a pas de fichier append-only : un redémarrage oublie plafonds, appels en attente et enregistrements. {address}",
    ),
    "store-cannot-write": (
        "The store cannot write its append-only file. {address}",
        "Le stockage ne peut pas écrire son fichier append-only. {address}",
    ),
    "store-never-syncs": (
        "The store leaves it to the system when its file reaches the disk (appendfsync no). {address}",
        "Le stockage laisse au système le moment d’écrire son fichier sur le disque (appendfsync no). {address}",
    ),
    "store-keeps": (
        "Its append-only file is written (appendfsync {fsync}). {address}",
        "Son fichier append-only est écrit (appendfsync {fsync}). {address}",
    ),
    "store-rewrite-fails": (
        "The store could not save or shorten its file the last time. {address}",
        "Le stockage n’a pas pu enregistrer ou raccourcir son fichier la dernière fois. {address}",
    ),
    "store-full": (
        "The store uses {used_mb} MB of {limit_mb} MB ({percent}%). {address}",
        "Le stockage occupe {used_mb} Mo sur {limit_mb} Mo ({percent} %). {address}",
    ),
    "store-room": (
        "The store uses {used_mb} MB of {limit_mb} MB ({percent}%). {address}",
        "Le stockage occupe {used_mb} Mo sur {limit_mb} Mo ({percent} %). {address}",
    ),
    "store-clients": (
        "{clients} of {most} connections to the store are taken. {address}",
        "{clients} connexions au stockage sur {most} sont prises. {address}",
    ),
    "store-no-functions": (
        "The store has no server-side functions: it is older than Redis 7. {address}",
        "Le stockage n’a pas de fonctions : il est antérieur à Redis 7. {address}",
    ),
    "store-functions-missing": (
        "The functions of this version are not loaded; {others} of other versions are. {address}",
        "Les fonctions de cette version ne sont pas chargées ; {others} d’autres versions le sont. {address}",
    ),
    "store-functions": (
        "The functions of this version are loaded, and {others} of other versions. {address}",
        "Les fonctions de cette version sont chargées, et {others} d’autres versions. {address}",
    ),
    "store-too-slow": (
        "The store answers in {ping_ms} ms, gateways wait {timeout_ms} ms. {address}",
        "Le stockage répond en {ping_ms} ms, les passerelles attendent {timeout_ms} ms. {address}",
    ),
    "store-slow": (
        "The store answers in {ping_ms} ms, gateways wait {timeout_ms} ms. {address}",
        "Le stockage répond en {ping_ms} ms, les passerelles attendent {timeout_ms} ms. {address}",
    ),
    "store-quick": ("The store answers in {ping_ms} ms. {address}", "Le stockage répond en {ping_ms} ms. {address}"),
    # clocks
    "clock-store": (
        "The store’s clock differs by {offset_ms} ms (± {error_ms}). {address}",
        "L’horloge du stockage diffère de {offset_ms} ms (± {error_ms}). {address}",
    ),
    "clock-store-off": (
        "The store’s clock differs by {offset_ms} ms (± {error_ms}). {address}",
        "L’horloge du stockage diffère de {offset_ms} ms (± {error_ms}). {address}",
    ),
    "clock-store-unknown": (
        "The store’s clock could not be read. {address}",
        "L’horloge du stockage n’a pas pu être lue. {address}",
    ),
    "clock-database": (
        "The database’s clock differs by {offset_ms} ms (± {error_ms}).",
        "L’horloge de la base diffère de {offset_ms} ms (± {error_ms}).",
    ),
    "clock-database-off": (
        "The database’s clock differs by {offset_ms} ms (± {error_ms}).",
        "L’horloge de la base diffère de {offset_ms} ms (± {error_ms}).",
    ),
    # certificates
    "certificates-none": ("No certificate is configured.", "Aucun certificat n’est configuré."),
    "certificate-unreadable": ("{file} ({setting}) cannot be read.", "{file} ({setting}) ne peut pas être lu."),
    "certificate-damaged": (
        "{file} ({setting}) holds no certificate in PEM.",
        "{file} ({setting}) ne contient pas de certificat PEM.",
    ),
    "certificate-weak": (
        "The key of {file} ({setting}) has {bits} bits only.",
        "La clé de {file} ({setting}) n’a que {bits} bits.",
    ),
    "certificate-key-unreadable": (
        "{file}, the key of {certificate} ({setting}), cannot be read.",
        "{file}, la clé de {certificate} ({setting}), ne peut pas être lue.",
    ),
    "certificate-key-damaged": (
        "{file} ({setting}) holds no private key in PEM without a password.",
        "{file} ({setting}) ne contient pas de clé privée PEM sans mot de passe.",
    ),
    "certificate-key-other": (
        "{file} is not the key of {certificate} ({setting}).",
        "{file} n’est pas la clé de {certificate} ({setting}).",
    ),
    "certificate-key": ("{file} is the key of {certificate}.", "{file} est bien la clé de {certificate}."),
    "certificate-early": (
        "{file} ({setting}) is valid from {begin} UTC on only.",
        "{file} ({setting}) n’est valable qu’à partir du {begin} UTC.",
    ),
    "certificate-over": ("{file} ({setting}) has expired on {end}.", "{file} ({setting}) a expiré le {end}."),
    "certificate-soon": (
        "{file} ({setting}) expires in {days} days, on {end}.",
        "{file} ({setting}) expire dans {days} jours, le {end}.",
    ),
    "certificate-holds": ("{file} holds {days} more days.", "{file} est valable encore {days} jours."),
    # keys
    "home-open": ("Others can look into {file} (mode {mode}).", "D’autres peuvent lire dans {file} (mode {mode})."),
    "home-closed": ("Nobody else can look into {file}.", "Personne d’autre ne peut lire dans {file}."),
    "key-open": (
        "Others can read or change {file} ({setting}, mode {mode}).",
        "D’autres peuvent lire ou modifier {file} ({setting}, mode {mode}).",
    ),
    "key-owner": (
        "{file} ({setting}) belongs to another user.",
        "{file} ({setting}) appartient à un autre utilisateur.",
    ),
    "key-group": (
        "Its group can read {file} ({setting}, mode {mode}).",
        "Son groupe peut lire {file} ({setting}, mode {mode}).",
    ),
    "key-missing": ("{setting} names {file}, which is not there.", "{setting} désigne {file}, qui n’existe pas."),
    "key-not-made": (
        "{file} ({setting}) is made at the first start.",
        "{file} ({setting}) sera créé au premier démarrage.",
    ),
    "key-unreadable": (
        "{file} ({setting}) cannot be read by this user.",
        "{file} ({setting}) n’est pas lisible par cet utilisateur.",
    ),
    "key-damaged": (
        "{file} ({setting}) does not hold the keys that it should.",
        "{file} ({setting}) ne contient pas les clés attendues.",
    ),
    "key-kept": ("{setting} is whole and closed.", "{setting} est entier et fermé."),
    # revision
    "people-damaged": (
        "{file} (PILOTE_TRUSTED_PEOPLE_FILE) cannot be read.",
        "{file} (PILOTE_TRUSTED_PEOPLE_FILE) est illisible.",
    ),
    "pin-damaged": (
        "{file}, which says whom processes here trust, is damaged.",
        "{file}, qui dit à qui les processus se fient ici, est endommagé.",
    ),
    "revision-none": (
        "No policy is active: every call is refused.",
        "Aucune politique n’est active : tout appel est refusé.",
    ),
    "revision-damaged": (
        "Revision {number} is active and cannot be read.",
        "La révision {number} est active et illisible.",
    ),
    "revision-distrusted": (
        "Revision {number} must not run: {why}.",
        "La révision {number} ne doit pas être utilisée : {why}.",
    ),
    "revision-unusable": (
        "Revision {number} has {mistakes} mistake(s) for this version.",
        "La révision {number} a {mistakes} erreur(s) pour cette version.",
    ),
    "revision-signed": (
        "Revision {number} is signed and agreed as it must be.",
        "La révision {number} est signée et approuvée comme il se doit.",
    ),
    "revision-whole": (
        "Revision {number} is whole; the policy names no people, so nobody has signed it.",
        "La révision {number} est entière ; la politique ne nomme personne, elle n’est donc pas signée.",
    ),
    "revision-active": (
        "Revision {number} has been active for {age}.",
        "La révision {number} est active depuis {age}.",
    ),
    "gateways-none": ("No gateway says that it runs.", "Aucune passerelle ne se déclare active."),
    "gateway-refuses": ("{worker} refuses revision {number}: {why}.", "{worker} refuse la révision {number} : {why}."),
    "gateway-differs": (
        "{worker} runs revision {runs}, active is {number}.",
        "{worker} utilise la révision {runs}, l’active est {number}.",
    ),
    "gateways-disagree": (
        "Gateways run different documents under the number {number}.",
        "Des passerelles utilisent des documents différents sous le numéro {number}.",
    ),
    "gateways-agree": (
        "All {count} gateway worker(s) run revision {number}.",
        "Les {count} processus de passerelle utilisent la révision {number}.",
    ),
    "deciders-agree": (
        "All {count} decision worker(s) of gateways’ Envoys run revision {number}.",
        "Les {count} processus de décision des Envoy des passerelles utilisent la révision {number}.",
    ),
    "upstreams-ask": (
        "The policy has gateways show a certificate to {names} (tls: mutual), and by the settings here they have none: they cannot reach it, and their Envoys carry no call there.",
        "La politique demande aux passerelles un certificat pour {names} (tls: mutual), et selon la configuration d’ici elles n’en ont pas : elles ne peuvent pas l’atteindre, et leurs Envoy n’y portent aucun appel.",
    ),
    # streams
    "streams-stored": (
        "{entries} entries of {streams} streams wait to be stored, the oldest for {seconds} s.",
        "{entries} entrées de {streams} flux attendent d’être enregistrées, la plus ancienne depuis {seconds} s.",
    ),
    "streams-late": (
        "{entries} entries of {streams} streams wait to be stored, the oldest for {seconds} s.",
        "{entries} entrées de {streams} flux attendent d’être enregistrées, la plus ancienne depuis {seconds} s.",
    ),
    "streams-unread": (
        "No audit service has ever read {streams} of the streams.",
        "Aucun service d’audit n’a jamais lu {streams} des flux.",
    ),
    "streams-quarantine": (
        "{entries} entries could not be stored and lie in quarantine.",
        "{entries} entrées n’ont pas pu être enregistrées et sont en quarantaine.",
    ),
    "spool-waits": (
        "{entries} records wait on gateways’ disks.",
        "{entries} enregistrements attendent sur les disques des passerelles.",
    ),
    # disk
    "home-missing": ("{file} is not there yet.", "{file} n’existe pas encore."),
    "disk-read-only": ("{file} cannot be written.", "{file} n’est pas accessible en écriture."),
    "disk-files": (
        "{percent}% of the files that the disk of {file} can hold are left.",
        "Il reste {percent} % des fichiers que le disque de {file} peut contenir.",
    ),
    "disk-full": (
        "{free_gb} GB ({percent}%) are free on the disk of {file}.",
        "{free_gb} Go ({percent} %) libres sur le disque de {file}.",
    ),
    "disk-room": (
        "{free_gb} GB ({percent}%) are free on the disk of {file}.",
        "{free_gb} Go ({percent} %) libres sur le disque de {file}.",
    ),
    # versions
    "version": ("Pilote {version} on Python {python}.", "Pilote {version} sur Python {python}."),
    "python-untried": (
        "Pilote {version} was not tried on Python {python}.",
        "Pilote {version} n’a pas été essayé avec Python {python}.",
    ),
    "wheels-as-pinned": (
        "All packages are of the versions that it is pinned to.",
        "Tous les paquets sont aux versions prévues.",
    ),
    "wheel-missing": (
        "The package {wheel} {wanted} is not installed.",
        "Le paquet {wheel} {wanted} n’est pas installé.",
    ),
    "wheel-other": (
        "{wheel} {there} is installed, {wanted} is what was tried.",
        "{wheel} {there} est installé, c’est {wanted} qui a été essayé.",
    ),
    "versions-mixed": (
        "Processes of other versions run beside {ours}: {others}.",
        "Des processus d’autres versions tournent à côté de {ours} : {others}.",
    ),
    "data-current": (
        "The decisions’ data is of version {found}, as this version writes it.",
        "Les données des décisions sont en version {found}, celle qu’écrit cette version.",
    ),
    "data-older": (
        "The decisions’ data is of version {found}, this version writes {known}.",
        "Les données des décisions sont en version {found}, celle-ci écrit la {known}.",
    ),
    "data-newer": (
        "The decisions’ data is of version {found}, this version knows {known} at most.",
        "Les données des décisions sont en version {found}, celle-ci connaît au plus la {known}.",
    ),
    "data-not-made": ("The database holds no decisions yet.", "La base ne contient pas encore de décisions."),
    # database
    "database-url": (
        "PILOTE_AUDIT_URL is none that PostgreSQL takes.",
        "PILOTE_AUDIT_URL n’est pas une URL que PostgreSQL accepte.",
    ),
    "database-down": ("The database of decisions does not answer.", "La base des décisions ne répond pas."),
    "database-denied": (
        "The database of decisions refuses our role or password.",
        "La base des décisions refuse notre rôle ou mot de passe.",
    ),
    "database-replica": (
        "PILOTE_AUDIT_URL leads to a replica, which takes no writes.",
        "PILOTE_AUDIT_URL mène à une réplique, qui n’accepte pas d’écriture.",
    ),
    "database-up": (
        "PostgreSQL {version} answers; the database has {size_mb} MB.",
        "PostgreSQL {version} répond ; la base occupe {size_mb} Mo.",
    ),
    "database-old": (
        "PostgreSQL {version} is older than {oldest}, the oldest that was tried.",
        "PostgreSQL {version} est antérieur à {oldest}, le plus ancien essayé.",
    ),
    "database-forgets": (
        "The database may forget what it has confirmed (fsync or synchronous_commit is off).",
        "La base peut oublier ce qu’elle a confirmé (fsync ou synchronous_commit est désactivé).",
    ),
    "database-not-made": ("{file} is not there yet.", "{file} n’existe pas encore."),
    "database-damaged": ("{file} cannot be read as a database.", "{file} est illisible comme base de données."),
    "database-file": ("{file} can be read; it has {size_mb} MB.", "{file} est lisible ; il occupe {size_mb} Mo."),
}
