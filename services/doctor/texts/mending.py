"""How to mend what was seen, by the key of an observation; what is good needs no text."""

from typing import Final

_RENEW: Final = (
    "Renew it and put the new files in the same place; they count for new connections without a restart.",
    "Renouvelez-le et placez les nouveaux fichiers au même endroit ; ils servent aux nouvelles connexions sans redémarrage.",
)
_MEMORY: Final = (
    "Nothing is evicted, so at 100% writes fail and calls are refused. Raise maxmemory, add servers to the cluster, or see why the streams are not stored.",
    "Rien n’est jamais jeté : à 100 % les écritures échouent et les appels sont refusés. Augmentez maxmemory, ajoutez des serveurs au cluster, ou voyez pourquoi les flux ne sont pas enregistrés.",
)
_CLOCK: Final = (
    "Let NTP (chrony, systemd-timesyncd) set the clock on both machines: limits and quiet hours go by the gateway’s.",
    "Laissez NTP (chrony, systemd-timesyncd) régler l’horloge des deux machines : limites et heures calmes suivent celle de la passerelle.",
)
_SLOW: Final = (
    "Look at SLOWLOG and the server’s CPU, bring it nearer to the gateways, or raise PILOTE_STORE_TIMEOUT_MS.",
    "Voyez SLOWLOG et le processeur du serveur, rapprochez-le des passerelles, ou augmentez PILOTE_STORE_TIMEOUT_MS.",
)
_BACKUP: Final = (
    "Bring it back from a backup: pilote restore.",
    "Restaurez-la depuis une sauvegarde : pilote restore.",
)
_LOG: Final = ("See the end of its log: {log}", "Voyez la fin de son journal : {log}")
_SPACE: Final = (
    "Make room or enlarge the disk: when it is full, decisions wait in the store, whose memory fills. Old hours of decisions go with PILOTE_AUDIT_HOT_HOURS and the policy’s retention.",
    "Libérez de la place ou agrandissez le disque : une fois plein, les décisions attendent dans le stockage, dont la mémoire se remplit. Les heures anciennes suivent PILOTE_AUDIT_HOT_HOURS et la conservation de la politique.",
)
_KEY_BACK: Final = (
    "Bring the file back from where you keep it (pilote restore): what was sealed with it opens with nothing else.",
    "Remettez le fichier depuis votre sauvegarde (pilote restore) : ce qu’il a scellé ne s’ouvre avec rien d’autre.",
)
_CLOSE: Final = ("chmod 600 {file}", "chmod 600 {file}")

MENDS: Final[dict[str, tuple[str, str]]] = {
    "part-silent": (
        "See whether the machine is overloaded, and ask again.",
        "Voyez si la machine est surchargée, et recommencez.",
    ),
    "part-failed": (
        "Report this; PILOTE_LOG_LEVEL=DEBUG pilote doctor tells more.",
        "Signalez-le ; PILOTE_LOG_LEVEL=DEBUG pilote doctor en dit plus.",
    ),
    "store-needed": ("Mend the store first.", "Réparez d’abord le stockage."),
    "child-not-ready": _LOG,
    "child-restarted": (
        "See its log for why: pilote status shows it.",
        "Voyez la raison dans son journal : pilote status le montre.",
    ),
    "nothing-runs": (
        "Start it: pilote up. Elsewhere, look at the pods or units.",
        "Démarrez : pilote up. Ailleurs, regardez les pods ou unités.",
    ),
    "processes-silent": (
        "Start those that should run here, or set their PILOTE_*_LISTEN to where they do.",
        "Démarrez ceux qui doivent tourner ici, ou donnez à PILOTE_*_LISTEN leur adresse.",
    ),
    "store-url": (
        "Write redis://, rediss:// or unix://, and % codes for what is special in a password.",
        "Écrivez redis://, rediss:// ou unix://, et des codes % pour les caractères spéciaux du mot de passe.",
    ),
    "store-down": (
        "Start it (pilote up, or your operator), or set PILOTE_REDIS_URL right; see that no firewall is between.",
        "Démarrez-le (pilote up, ou votre opérateur), ou corrigez PILOTE_REDIS_URL ; vérifiez qu’aucun pare-feu ne s’interpose.",
    ),
    "store-denied": (
        "Correct user and password in PILOTE_REDIS_URL; the user needs ~pilote:* &pilote:* and all commands but the administrator’s: ACL SETUSER.",
        "Corrigez le nom et le mot de passe dans PILOTE_REDIS_URL ; il faut ~pilote:* &pilote:* et toutes les commandes sauf celles d’administration : ACL SETUSER.",
    ),
    "store-loading": (
        "Wait: gateways go on by themselves when it is done.",
        "Attendez : les passerelles reprennent d’elles-mêmes ensuite.",
    ),
    "store-replica": (
        "Let PILOTE_REDIS_URL name the primary, or the service that follows it.",
        "Faites pointer PILOTE_REDIS_URL vers le primaire, ou vers le service qui le suit.",
    ),
    "cluster-uncovered": (
        "Start the servers that keep them or let their replicas take over: CLUSTER FAILOVER; redis-cli --cluster fix.",
        "Démarrez les serveurs qui les gardent ou laissez leurs répliques prendre le relais : CLUSTER FAILOVER ; redis-cli --cluster fix.",
    ),
    "store-evicts": (
        "CONFIG SET maxmemory-policy noeviction, and the same in its configuration.",
        "CONFIG SET maxmemory-policy noeviction, et de même dans sa configuration.",
    ),
    "store-evicted": (
        "Set maxmemory-policy noeviction, then check what the log has: pilote audit verify.",
        "Passez maxmemory-policy à noeviction, puis vérifiez le journal : pilote audit verify.",
    ),
    "store-forgets": (
        "CONFIG SET appendonly yes, and the same in its configuration.",
        "CONFIG SET appendonly yes, et de même dans sa configuration.",
    ),
    "store-cannot-write": (
        "Make room on its disk; while this lasts writes are refused, and so are calls.",
        "Libérez de la place sur son disque ; en attendant les écritures sont refusées, et les appels aussi.",
    ),
    "store-never-syncs": ("CONFIG SET appendfsync everysec.", "CONFIG SET appendfsync everysec."),
    "store-rewrite-fails": (
        "See its log; it needs free memory and disk for a copy: BGREWRITEAOF tries again.",
        "Voyez son journal ; il lui faut mémoire et disque pour une copie : BGREWRITEAOF réessaie.",
    ),
    "store-full": _MEMORY,
    "store-clients": (
        "Raise maxclients, or see who else uses this store: CLIENT LIST.",
        "Augmentez maxclients, ou voyez qui d’autre utilise ce stockage : CLIENT LIST.",
    ),
    "store-no-functions": ("Run Redis 7 or newer, or any Valkey.", "Utilisez Redis 7 ou plus récent, ou tout Valkey."),
    "store-functions-missing": (
        "A gateway of this version loads them when it starts.",
        "Une passerelle de cette version les charge à son démarrage.",
    ),
    "store-too-slow": _SLOW,
    "store-slow": _SLOW,
    "clock-store-off": _CLOCK,
    "clock-store-unknown": ("Mend the store first.", "Réparez d’abord le stockage."),
    "clock-database-off": _CLOCK,
    "certificate-unreadable": (
        "Put it there, and let this user read it.",
        "Placez-le là, lisible par cet utilisateur.",
    ),
    "certificate-damaged": (
        "Write it anew, in PEM, our own certificate first, then those between it and the authority.",
        "Réécrivez-le en PEM, notre certificat d’abord, puis les intermédiaires.",
    ),
    "certificate-weak": (
        "Have one made with 2048 bits or more, or with ECDSA P-256.",
        "Faites-en établir un de 2048 bits ou plus, ou en ECDSA P-256.",
    ),
    "certificate-key-unreadable": (
        "Put the key there, for this user alone to read.",
        "Placez-y la clé, lisible par cet utilisateur seul.",
    ),
    "certificate-key-damaged": (
        "Write the key anew as PEM without a password.",
        "Réécrivez la clé en PEM, sans mot de passe.",
    ),
    "certificate-key-other": (
        "Certificate and key come from two renewals: put both of the same one.",
        "Certificat et clé viennent de deux renouvellements : mettez les deux du même.",
    ),
    "certificate-early": (
        "Set this machine’s clock right, or wait.",
        "Mettez l’horloge de cette machine à l’heure, ou attendez.",
    ),
    "certificate-over": _RENEW,
    "certificate-soon": _RENEW,
    "home-open": ("chmod 700 {file}", "chmod 700 {file}"),
    "key-open": (
        "chmod 600 {file}; if others were on this machine, change the key, too.",
        "chmod 600 {file} ; si d’autres avaient accès à la machine, changez aussi la clé.",
    ),
    "key-owner": ("chown it to the user that Pilote runs as.", "Donnez-le avec chown à l’utilisateur de Pilote."),
    "key-group": _CLOSE,
    "key-missing": _KEY_BACK,
    "key-unreadable": (
        "chown it to the user that Pilote runs as, and chmod 600.",
        "Donnez-le avec chown à l’utilisateur de Pilote, et chmod 600.",
    ),
    "key-damaged": _KEY_BACK,
    "people-damaged": (
        "Write `people` and `approvals` as a policy has them.",
        "Écrivez `people` et `approvals` comme dans une politique.",
    ),
    "pin-damaged": (
        "Restore the file, or delete it to trust anew what is in the store: pilote history shows it.",
        "Restaurez le fichier, ou supprimez-le pour se fier de nouveau au stockage : pilote history le montre.",
    ),
    "revision-none": ("pilote apply FILE", "pilote apply FICHIER"),
    "revision-damaged": (
        "pilote rollback NUMBER --reason WHY, or bring it back: pilote restore.",
        "pilote rollback NUMÉRO --reason POURQUOI, ou restaurez : pilote restore.",
    ),
    "revision-distrusted": (
        "Gateways go on with the one before. Find out who wrote to the store, then: pilote rollback.",
        "Les passerelles gardent la précédente. Cherchez qui a écrit dans le stockage, puis : pilote rollback.",
    ),
    "revision-unusable": (
        "pilote revisions show {number} > policy.yaml, then: pilote check policy.yaml",
        "pilote revisions show {number} > politique.yaml, puis : pilote check politique.yaml",
    ),
    "gateways-none": (
        "Start one: pilote gateway. One that runs reports every five seconds.",
        "Démarrez-en une : pilote gateway. Une passerelle active se déclare toutes les cinq secondes.",
    ),
    "upstreams-ask": (
        "Set PILOTE_TLS_DIR for the gateways, or run this with their settings.",
        "Donnez PILOTE_TLS_DIR aux passerelles, ou lancez cette commande avec leur configuration.",
    ),
    "gateway-refuses": (
        "Its log says why. Upgrade it, or go back: pilote rollback --reason WHY.",
        "Son journal dit pourquoi. Mettez-la à jour, ou revenez en arrière : pilote rollback --reason POURQUOI.",
    ),
    "gateway-differs": (
        "Wait a second; if it stays so, look at its log and restart it.",
        "Attendez une seconde ; si cela dure, voyez son journal et redémarrez-la.",
    ),
    "gateways-disagree": (
        "The store was restored under running gateways: restart them all.",
        "Le stockage a été restauré sous des passerelles actives : redémarrez-les toutes.",
    ),
    "streams-late": (
        "See that an audit service runs and its disk is quick: runbook PiloteStreamLag. They wait in the store, whose memory fills.",
        "Vérifiez qu’un service d’audit tourne et que son disque suit : fiche PiloteStreamLag. Elles attendent dans le stockage, dont la mémoire se remplit.",
    ),
    "streams-unread": ("Start one: pilote audit.", "Démarrez-en un : pilote audit."),
    "streams-quarantine": (
        "The audit service’s log names stream, entry and reason: runbook PiloteQuarantine.",
        "Le journal du service d’audit nomme flux, entrée et raison : fiche PiloteQuarantine.",
    ),
    "spool-waits": (
        "They go to the store by themselves when it takes them: runbook PiloteSpoolWaiting.",
        "Ils rejoignent le stockage d’eux-mêmes dès qu’il les prend : fiche PiloteSpoolWaiting.",
    ),
    "home-missing": (
        "Set PILOTE_HOME right, or start: pilote up makes it.",
        "Corrigez PILOTE_HOME, ou démarrez : pilote up le crée.",
    ),
    "disk-read-only": (
        "Mount it for writing, and chown it to the user that Pilote runs as.",
        "Montez-le en écriture, et donnez-le à l’utilisateur de Pilote.",
    ),
    "disk-files": (
        "Delete small files, or make a file system with more inodes.",
        "Supprimez de petits fichiers, ou créez un système de fichiers avec plus d’inodes.",
    ),
    "disk-full": _SPACE,
    "python-untried": ("Use Python 3.11 to 3.14.", "Utilisez Python 3.11 à 3.14."),
    "wheel-missing": ("pip install -c constraints.txt pilote", "pip install -c constraints.txt pilote"),
    "wheel-other": (
        "pip install -c constraints.txt {wheel}=={wanted}",
        "pip install -c constraints.txt {wheel}=={wanted}",
    ),
    "versions-mixed": (
        "Fine while you upgrade; bring the others up to date then.",
        "Normal pendant une mise à jour ; mettez ensuite les autres à niveau.",
    ),
    "data-older": (
        "The audit service brings it up to date when it starts; make a backup first: pilote backup.",
        "Le service d’audit la met à jour à son démarrage ; sauvegardez d’abord : pilote backup.",
    ),
    "data-newer": (
        "Run the newer version of Pilote, or restore a backup of the older one: pilote restore.",
        "Utilisez la version plus récente de Pilote, ou restaurez une sauvegarde de l’ancienne : pilote restore.",
    ),
    "data-not-made": ("The audit service makes it when it starts.", "Le service d’audit la crée à son démarrage."),
    "database-url": (
        "Write postgresql://ROLE@HOST:PORT/DATABASE, with % codes for what is special in a password.",
        "Écrivez postgresql://RÔLE@HÔTE:PORT/BASE, avec des codes % pour les caractères spéciaux du mot de passe.",
    ),
    "database-down": (
        "Start it, or set PILOTE_AUDIT_URL right. Decisions wait in the store meanwhile.",
        "Démarrez-la, ou corrigez PILOTE_AUDIT_URL. Les décisions attendent dans le stockage.",
    ),
    "database-denied": (
        "Correct role and password in PILOTE_AUDIT_URL or its passfile, and see pg_hba.conf.",
        "Corrigez rôle et mot de passe dans PILOTE_AUDIT_URL ou son passfile, et voyez pg_hba.conf.",
    ),
    "database-replica": (
        "Let it name the primary, or several hosts of which the primary is taken.",
        "Faites-la pointer vers le primaire, ou nommez plusieurs hôtes dont le primaire sera pris.",
    ),
    "database-old": ("Upgrade the server.", "Mettez le serveur à jour."),
    "database-forgets": ("Set fsync and synchronous_commit to on.", "Activez fsync et synchronous_commit."),
    "database-not-made": ("The audit service makes it when it starts.", "Le service d’audit le crée à son démarrage."),
    "database-damaged": _BACKUP,
}
