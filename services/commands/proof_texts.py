"""What the commands about proof say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "verified-log": (
        "{file}: good. The whole log of {origin}: {rows} rows, rebuilt to the root of {size} entries that was signed. Exported {time}.",
        "{file} : conforme. Le journal entier de {origin} : {rows} lignes, racine reconstruite pour les {size} entrées signées. Exporté le {time}.",
    ),
    "verified-proofs": (
        "{file}: good. {rows} rows for the filter {query}, each proved to be in the log of {origin}, of {size} entries. Exported {time}.",
        "{file} : conforme. {rows} lignes pour le filtre {query}, chacune prouvée dans le journal de {origin}, de {size} entrées. Exporté le {time}.",
    ),
    "verified-signed": (
        "{file}: good. {rows} rows for the filter {query}, as {origin} has signed them. Without --proofs in the export, nothing shows that they are in its log of {size} entries. Exported {time}.",
        "{file} : conforme. {rows} lignes pour le filtre {query}, telles que {origin} les a signées. Exporté sans --proofs, rien ne montre qu’elles sont dans son journal de {size} entrées. Exporté le {time}.",
    ),
    "verified-checkpoint": (
        "{file}: good. {origin} has signed a log of {size} entries with the root {root}.",
        "{file} : conforme. {origin} a signé un journal de {size} entrées, de racine {root}.",
    ),
    "verified-witness": (
        "{file}: {witness} has seen it, last at {time}.",
        "{file} : {witness} l’a vu, la dernière fois le {time}.",
    ),
    "verified-previous": (
        "{file}: it continues the checkpoint of {previous} entries.",
        "{file} : il prolonge le point de contrôle de {previous} entrées.",
    ),
    "verified-unlogged": (
        "{file}: {count} entries were stored before there was a log; only the signature of the manifest vouches for them.",
        "{file} : {count} entrées ont été enregistrées avant le journal ; seule la signature du manifeste les garantit.",
    ),
    "verified-deleted": (
        "{file}: of {count} entries it has only the hash, for their time was over, they were erased, or could not be read.",
        "{file} : de {count} entrées il n’a que l’empreinte : leur durée de conservation est passée, elles ont été effacées, ou étaient illisibles.",
    ),
    "verified-unreadable": (
        "{file} is not whole, and says so: when it was made these segments of the store could not be read: {segments}.",
        "{file} n’est pas complet, et le dit : à sa création ces segments de la base étaient illisibles : {segments}.",
    ),
    "problem": ("{file}: {text}", "{file} : {text}"),
    "problem-row": ("{file}, row {row}: {text}", "{file}, ligne de données {row} : {text}"),
    "bad": (
        "{file} must not be trusted.",
        "{file} n’est pas digne de confiance.",
    ),
    "more-problems": (
        "{file}: there may be more; only the first {most} are told.",
        "{file} : il peut y en avoir d’autres ; seuls les {most} premiers sont donnés.",
    ),
    "file-missing": ("{file} cannot be read.", "{file} est illisible."),
    "file-unknown": (
        "it is neither an export nor a checkpoint.",
        "ce n’est ni un export ni un point de contrôle.",
    ),
    "file-unreadable": (
        "it is damaged and cannot be read: {why}",
        "il est endommagé et illisible : {why}",
    ),
    "columns": (
        "it has other columns than exports have, or in another order.",
        "ses colonnes ne sont pas celles d’un export, ou pas dans cet ordre.",
    ),
    "truncated": (
        "it is cut off: its last line is not the signed manifest.",
        "il est tronqué : sa dernière ligne n’est pas le manifeste signé.",
    ),
    "manifest-missing": (
        "its signed manifest is missing ({file}).",
        "son manifeste signé manque ({file}).",
    ),
    "manifest-malformed": (
        "its manifest was changed: {why}",
        "son manifeste a été modifié : {why}",
    ),
    "manifest-forged": (
        "its manifest was changed: the signature of {wanted} is wrong.",
        "son manifeste a été modifié : la signature de {wanted} est fausse.",
    ),
    "manifest-unsigned": (
        "its manifest is not signed with the key of {wanted}, but by {signed}: it is another log’s, or forged.",
        "son manifeste n’est pas signé avec la clé de {wanted}, mais par {signed} : il vient d’un autre journal, ou il est forgé.",
    ),
    "checkpoint-malformed": (
        "its checkpoint was changed: {why}",
        "son point de contrôle a été modifié : {why}",
    ),
    "checkpoint-forged": (
        "its checkpoint was changed: the signature of {wanted} is wrong.",
        "son point de contrôle a été modifié : la signature de {wanted} est fausse.",
    ),
    "checkpoint-unsigned": (
        "its checkpoint is not signed with the key of {wanted}, but by {signed}: it is another log’s, or forged.",
        "son point de contrôle n’est pas signé avec la clé de {wanted}, mais par {signed} : il vient d’un autre journal, ou il est forgé.",
    ),
    "checkpoint-origin": (
        "its checkpoint is of the log {origin}, not of {wanted}.",
        "son point de contrôle est celui du journal {origin}, pas de {wanted}.",
    ),
    "witness-missing": (
        "the witness {witness} has not signed its checkpoint, or another one.",
        "le témoin {witness} n’a pas signé ce point de contrôle.",
    ),
    "head-differs": (
        "its head says something else than its signed manifest.",
        "son en-tête ne dit pas la même chose que son manifeste signé.",
    ),
    "row-malformed": (
        "it was changed, or cut: {why}",
        "elle a été modifiée ou coupée : {why}",
    ),
    "cell-differs": (
        "the column {column} is not what the recorded bytes say.",
        "la colonne {column} ne dit pas ce que disent les octets enregistrés.",
    ),
    "line-differs": (
        "it is not written as an export writes it: it was changed.",
        "elle n’est pas écrite comme dans un export : elle a été modifiée.",
    ),
    "order": (
        "it does not belong here: rows were reordered, inserted or repeated.",
        "elle n’est pas à sa place : des lignes ont été déplacées, insérées ou répétées.",
    ),
    "place-outside": (
        "entry {place} cannot be in a log of {size} entries: it was inserted or changed.",
        "l’entrée {place} ne peut être dans un journal de {size} entrées : elle a été insérée ou modifiée.",
    ),
    "place-twice": (
        "entry {place} of the log comes twice: one was inserted or changed.",
        "l’entrée {place} du journal est en double : l’une a été insérée ou modifiée.",
    ),
    "not-included": (
        "entry {place} is not in the signed log as it stands here: it was changed or inserted.",
        "l’entrée {place} n’est pas telle quelle dans le journal signé : elle a été modifiée ou insérée.",
    ),
    "proof-missing": (
        "the proof of entry {place} was taken away.",
        "la preuve de l’entrée {place} a été retirée.",
    ),
    "rows-missing": (
        "{count} of {rows} rows are missing: they were dropped, or the file was cut.",
        "il manque {count} lignes sur {rows} : elles ont été retirées, ou le fichier coupé.",
    ),
    "rows-added": (
        "there are {count} rows more than the {rows} that were exported.",
        "il y a {count} lignes de plus que les {rows} exportées.",
    ),
    "digest": (
        "the rows are not those that were exported: some were changed, exchanged or reordered.",
        "les lignes ne sont pas celles de l’export : certaines ont été modifiées, échangées ou déplacées.",
    ),
    "leaves-missing": (
        "{count} entries of the log are missing, the first is entry {place}.",
        "il manque {count} entrées du journal, la première est l’entrée {place}.",
    ),
    "root": (
        "the entries lead to the root {root}, and {wanted} was signed: something was changed.",
        "les entrées mènent à la racine {root}, alors que {wanted} est signée : quelque chose a été modifié.",
    ),
    "older": (
        "it is of a log of {size} entries, older than the {previous} that you know already.",
        "il vient d’un journal de {size} entrées, plus ancien que les {previous} que vous connaissez déjà.",
    ),
    "forked": (
        "two different logs of {size} entries were signed: the log was rewritten, or shows everybody another face.",
        "deux journaux différents de {size} entrées ont été signés : le journal a été réécrit, ou montre à chacun un autre visage.",
    ),
    "rewritten": (
        "the log does not continue the one of {previous} entries that you know: it was rewritten.",
        "le journal ne prolonge pas celui de {previous} entrées que vous connaissez : il a été réécrit.",
    ),
    "not-comparable": (
        "it does not say how it continues your checkpoint of {previous} entries: export it with --previous.",
        "il ne dit pas comment il prolonge votre point de contrôle de {previous} entrées : exportez-le avec --previous.",
    ),
    "key-none": (
        "{key} is no verifier key and no file with one: pilote audit key prints it. {why}",
        "{key} n’est pas une clé de vérification, ni un fichier qui en contient une : pilote audit key l’affiche. {why}",
    ),
    "previous-bad": (
        "{file} is no checkpoint of this log: {text}",
        "{file} n’est pas un point de contrôle de ce journal : {text}",
    ),
    "verifying": ("verifying {file}", "vérification de {file}"),
    "exporting": ("exporting to {file}", "export vers {file}"),
    "export-exists": (
        "{file} is there already; take another name, or --force.",
        "{file} existe déjà ; prenez un autre nom, ou --force.",
    ),
    "export-format": (
        "Say the format with --format jsonl, csv or parquet: {file} does not tell.",
        "Indiquez le format avec --format jsonl, csv ou parquet : {file} ne le dit pas.",
    ),
    "export-failed": (
        "{file} was not written: {why}",
        "{file} n’a pas été écrit : {why}",
    ),
    "export-cut": (
        "{file} was not written: the audit service ended before it had told everything. Try again.",
        "{file} n’a pas été écrit : le service d’audit s’est arrêté avant d’avoir tout dit. Réessayez.",
    ),
    "exported": (
        "{file}: {rows} rows, proved against the log of {size} entries of {origin}.",
        "{file} : {rows} lignes, prouvées par le journal de {size} entrées de {origin}.",
    ),
    "checking": ("checking the store", "vérification du stockage"),
    "store-good": (
        "Good: {decisions} decisions are what the log of {size} entries says, and it continues all {checkpoints} checkpoints that are kept.",
        "Conforme : {decisions} décisions sont ce que dit le journal de {size} entrées, qui prolonge les {checkpoints} points de contrôle conservés.",
    ),
    "store-bad": (
        "The store was changed. Looked at: {decisions} decisions, {size} entries of the log, {checkpoints} checkpoints.",
        "Le stockage a été modifié. Vérifiés : {decisions} décisions, {size} entrées du journal, {checkpoints} points de contrôle.",
    ),
    "store-unlogged": (
        "{count} decisions are in no log: they were stored before there was one, or put in by hand.",
        "{count} décisions ne sont dans aucun journal : enregistrées avant qu’il existe, ou ajoutées à la main.",
    ),
    "store-deleted": (
        "Of {count} entries only the hash is left: their time was over, they were erased, or somebody deleted them.",
        "De {count} entrées il ne reste que l’empreinte : leur durée était passée, elles ont été effacées, ou supprimées par quelqu’un.",
    ),
    "store-changed": (
        "decisions/{decision}: its record was changed, or put in: the log has another hash there.",
        "decisions/{decision} : son enregistrement a été modifié ou ajouté : le journal a une autre empreinte à cet endroit.",
    ),
    "store-end-changed": (
        "decisions/{decision}: how the call ended was changed: the log has another hash there.",
        "decisions/{decision} : la fin de l’appel a été modifiée : le journal a une autre empreinte à cet endroit.",
    ),
    "store-columns": (
        "decisions/{decision}: what filters look at is not what its record says: {columns}.",
        "decisions/{decision} : ce que regardent les filtres n’est pas ce que dit son enregistrement : {columns}.",
    ),
    "store-misleading": (
        "{file}: queries may not find all decisions by it. Delete it: the audit service makes it anew.",
        "{file} : les requêtes peuvent ne pas trouver toutes les décisions. Supprimez-le : le service d’audit le refait.",
    ),
    "store-undecodable": (
        "A decision older than decisions/{decision} cannot be read any more: it was changed.",
        "Une décision plus ancienne que decisions/{decision} est devenue illisible : elle a été modifiée.",
    ),
    "store-entry": (
        "Entry {place} of the log was changed, or taken out of its decision.",
        "L’entrée {place} du journal a été modifiée, ou retirée de sa décision.",
    ),
    "store-note": (
        "Entry {place} of the log is not found by what it says: `pilote audit notes` may leave it out.",
        "L’entrée {place} du journal n’est pas trouvée par ce qu’elle dit : `pilote audit notes` peut l’omettre.",
    ),
    "store-forked": (
        "The hashes do not lead to the root that was signed for {signed} entries: the log was changed.",
        "Les empreintes ne mènent pas à la racine signée pour {signed} entrées : le journal a été modifié.",
    ),
    "store-shorter": (
        "The log has {size} entries, and {signed} were signed: it was cut off.",
        "Le journal a {size} entrées, et {signed} ont été signées : il a été tronqué.",
    ),
    "store-tiles": (
        "The upper tiles of the log do not fit its hashes: they were changed.",
        "Les tuiles supérieures du journal ne correspondent pas à ses empreintes : elles ont été modifiées.",
    ),
    "store-checkpoint": (
        "The checkpoint of {signed} entries that is kept: {problem}",
        "Le point de contrôle conservé pour {signed} entrées : {problem}",
    ),
    "store-damaged": (
        "The file {file} cannot be read: its decisions were not looked at.",
        "Le fichier {file} est illisible : ses décisions n’ont pas été vérifiées.",
    ),
    "store-no-key": (
        "There is no key in {file}: say the log’s public key with --key.",
        "Il n’y a pas de clé dans {file} : donnez la clé publique du journal avec --key.",
    ),
    "database": ("the database of PILOTE_AUDIT_URL", "la base de PILOTE_AUDIT_URL"),
    "store-unreadable": (
        "The store in {home} cannot be used: {why}",
        "Le stockage de {home} est inutilisable : {why}",
    ),
    "importing": ("importing {file}", "import de {file}"),
    "imported": (
        "{count} entries are in the store of {home}, in a log of its own.",
        "{count} entrées sont dans le stockage de {home}, dans un journal à lui.",
    ),
    "imported-same": (
        "{count} entries are in the store of {home}: its log is the one that was exported, to the last hash.",
        "{count} entrées sont dans le stockage de {home} : son journal est celui de l’export, à la dernière empreinte près.",
    ),
    "import-format": (
        "{file} is no export in JSON Lines; others cannot be imported.",
        "{file} n’est pas un export en JSON Lines ; les autres ne s’importent pas.",
    ),
    "import-in-use": (
        "Pilote runs on {home}: stop it, or set PILOTE_HOME to another folder.",
        "Pilote tourne sur {home} : arrêtez-le, ou donnez à PILOTE_HOME un autre dossier.",
    ),
    "import-not-empty": (
        "The store in {home} is not empty: set PILOTE_HOME to another folder.",
        "Le stockage de {home} n’est pas vide : donnez à PILOTE_HOME un autre dossier.",
    ),
    "import-not-empty-database": (
        "The database that PILOTE_AUDIT_URL names has decisions already: name an empty one.",
        "La base que nomme PILOTE_AUDIT_URL contient déjà des décisions : nommez-en une vide.",
    ),
    "import-foreign": (
        "{file} holds an entry that cannot be stored: {why} What came before it is in the store.",
        "{file} contient une entrée qui ne peut être enregistrée : {why} Ce qui précède est dans le stockage.",
    ),
    "witnessed": (
        "Seen and signed: {origin} has {size} entries, and continues the {before} that were seen before.",
        "Vu et signé : {origin} a {size} entrées, et prolonge les {before} déjà vues.",
    ),
    "witness-refuses": (
        "Not signed: {origin}: {text} Tell those who rely on this log.",
        "Non signé : {origin} : {text} Prévenez ceux qui se fient à ce journal.",
    ),
    "witness-untaken": (
        "The audit service does not take the signature: {why}",
        "Le service d’audit n’accepte pas la signature : {why}",
    ),
    "witness-state": (
        "{file} cannot be used: {why}",
        "{file} est inutilisable : {why}",
    ),
    "checkpoint-written": (
        "{file}: the checkpoint of {size} entries.",
        "{file} : le point de contrôle de {size} entrées.",
    ),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
