"""What the commands about backups say, in English and French."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "taken": (
        "{file}: {keys} keys of the store and {files} files, {size} MB, as of {at}; it took {seconds} s. Keep it on another machine, and what opens it elsewhere again.",
        "{file} : {keys} clés du stockage et {files} fichiers, {size} Mo, état au {at} ; durée {seconds} s. Gardez-le sur une autre machine, et de quoi l’ouvrir encore ailleurs.",
    ),
    "database": (
        "Decisions are in PostgreSQL, which this file does not hold: dump it now or later (pg_dump --format=custom), or keep its own archive up to a time after {at}. Of the log it then has {size} entries or more.",
        "Les décisions sont dans PostgreSQL, absent de ce fichier : exportez-le maintenant ou plus tard (pg_dump --format=custom), ou gardez son archive jusqu’à une heure postérieure au {at}. Son journal compte alors au moins {size} entrées.",
    ),
    "exists": ("{file} is there already.", "{file} existe déjà."),
    "who": (
        "Say who may open it: --passphrase-file FILE, or --recipient FILE with a public key (openssl genpkey -algorithm x25519 -out backup.key; openssl pkey -in backup.key -pubout -out backup.pub).",
        "Dites qui pourra l’ouvrir : --passphrase-file FICHIER, ou --recipient FICHIER avec une clé publique (openssl genpkey -algorithm x25519 -out backup.key ; openssl pkey -in backup.key -pubout -out backup.pub).",
    ),
    "with-what": (
        "Say what opens it: --passphrase-file FILE, or --identity FILE with the private key.",
        "Dites avec quoi l’ouvrir : --passphrase-file FICHIER, ou --identity FICHIER avec la clé privée.",
    ),
    "passphrase": (
        "{file} must hold one line of {least} characters or more, for nobody else to read: chmod 600.",
        "{file} doit contenir une ligne de {least} caractères au moins, illisible pour d’autres : chmod 600.",
    ),
    "no-key": ("{file} holds no X25519 key in PEM.", "{file} ne contient pas de clé X25519 en PEM."),
    "cannot": (
        "The backup could not be taken: a file cannot be read or written, or a database is locked or damaged. See pilote doctor.",
        "La sauvegarde n’a pas pu être faite : un fichier est illisible ou non inscriptible, ou une base est verrouillée ou endommagée. Voyez pilote doctor.",
    ),
    "runs": ("Pilote runs in {home}: stop it first.", "Pilote tourne dans {home} : arrêtez-le d’abord."),
    "no-backup": ("{file} is no backup of Pilote.", "{file} n’est pas une sauvegarde de Pilote."),
    "wrong-key": (
        "{file} does not open with that: another passphrase or key sealed it.",
        "{file} ne s’ouvre pas ainsi : il a été scellé avec une autre phrase ou clé.",
    ),
    "damaged": (
        "{file} is damaged: something in it was changed or cut off. Nothing was restored; take another copy.",
        "{file} est endommagé : une partie a été modifiée ou coupée. Rien n’a été restauré ; prenez une autre copie.",
    ),
    "backup-newer": (
        "{file} was made by a newer version of Pilote ({version}): restore it with that one.",
        "{file} vient d’une version plus récente de Pilote ({version}) : restaurez-le avec celle-ci.",
    ),
    "backup-data-newer": (
        "{file} holds data of a newer version of Pilote ({version}: {kinds}): restore it with that one.",
        "{file} contient des données d’une version plus récente de Pilote ({version} : {kinds}) : restaurez-le avec celle-ci.",
    ),
    "restore-not-empty": (
        "{home} is not empty. A backup is restored into an empty home: move it away, or set PILOTE_HOME to another folder.",
        "{home} n’est pas vide. Une sauvegarde se restaure dans un dossier vide : déplacez-le, ou donnez un autre dossier à PILOTE_HOME.",
    ),
    "restore-store-not-empty": (
        "The store is not empty: a backup is restored into an empty one.",
        "Le stockage n’est pas vide : une sauvegarde se restaure dans un stockage vide.",
    ),
    "restore-store-refuses": (
        "The store does not understand how another server wrote these keys, or one of them was there: restore into the same kind of server, of that version or newer, and empty.",
        "Le stockage ne comprend pas ces clés écrites par un autre serveur, ou l’une d’elles existait : restaurez dans un serveur du même type, de cette version ou plus récent, et vide.",
    ),
    "restore-other-key": (
        "{setting} names {file}, which holds another key than the backup: move it away.",
        "{setting} désigne {file}, qui contient une autre clé que la sauvegarde : déplacez-le.",
    ),
    "restored": (
        "{home} and the store are as of {at}, with revision {revision} and {keys} keys; it took {seconds} s. What happened later is lost. Next: pilote audit verify, pilote doctor, pilote up; and erase anew whoever was erased later.",
        "{home} et le stockage sont dans l’état du {at}, avec la révision {revision} et {keys} clés ; durée {seconds} s. Ce qui a suivi est perdu. Ensuite : pilote audit verify, pilote doctor, pilote up ; et effacez de nouveau qui l’a été depuis.",
    ),
    "unpacked": (
        "{into} has what is in {file}, as of {at}. There are keys among it: delete it when you are done.",
        "{into} contient ce qui est dans {file}, état au {at}. Des clés s’y trouvent : supprimez-le ensuite.",
    ),
    "checked": ("{file} is whole, and of {at}.", "{file} est entier, et du {at}."),
    "restore-database": (
        "Bring the database back before the audit service starts: as of {at} or later, with {size} entries of the log or more.",
        "Restaurez la base avant de démarrer le service d’audit : à l’état du {at} ou postérieur, avec au moins {size} entrées du journal.",
    ),
}
say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
