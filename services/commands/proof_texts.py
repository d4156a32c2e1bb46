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
        "{file}: of {count} entries only the hash is left, for their time was over or they were erased.",
        "{file} : de {count} entrées il ne reste que l’empreinte : leur durée de conservation est passée, ou elles ont été effacées.",
    ),
    "problem": ("{file}: {text}", "{file} : {text}"),
    "problem-row": ("{file}, row {row}: {text}", "{file}, ligne {row} : {text}"),
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
    "checkpoint-written": (
        "{file}: the checkpoint of {size} entries.",
        "{file} : le point de contrôle de {size} entrées.",
    ),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
