"""What the commands about segments say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "no-store": (
        "There is no store of decisions in {home} that can be read: {why}",
        "Il n’y a pas de base de décisions lisible dans {home} : {why}",
    ),
    "columns": ("hour (UTC)|state|decisions|SQLite|Parquet", "heure (UTC)|état|décisions|SQLite|Parquet"),
    "open": ("open", "ouvert"),
    "sealed": ("sealed", "scellé"),
    "cold": ("sealed, Parquet only", "scellé, Parquet seul"),
    "changed": ("sealed, changed since", "scellé, modifié depuis"),
    "over": ("kept for its time, deleted", "conservation échue, supprimé"),
    "is-missing": ("missing", "manquant"),
    "earlier": ("{count} earlier segments are not shown: --all", "{count} segments antérieurs non affichés : --all"),
    "totals": (
        "Segments: {segments}; decisions: {decisions}; SQLite {sqlite}, Parquet {parquet}.",
        "Segments : {segments} ; décisions : {decisions} ; SQLite {sqlite}, Parquet {parquet}.",
    ),
    "looking": ("Reading segments", "Lecture des segments"),
    "sealing": ("Sealing segments", "Scellement des segments"),
    "missing": ("{file} is missing.", "{file} est manquant."),
    "unreadable": ("{file} cannot be read: {detail}", "{file} est illisible : {detail}"),
    "order": ("{file} is out of order at {detail}.", "{file} n’est plus dans l’ordre à {detail}."),
    "hour": (
        "{file} has a decision of another hour: {detail}.",
        "{file} contient une décision d’une autre heure : {detail}.",
    ),
    "count": (
        "{file} does not have as many decisions as were stored: {detail}.",
        "{file} ne contient pas autant de décisions qu’il en a été enregistré : {detail}.",
    ),
    "lookup": (
        "{file} is missing or wrong: until the audit service makes it anew, queries read all of its Parquet file.",
        "{file} manque ou est faux : tant que le service d’audit ne l’a pas refait, tout le fichier Parquet est lu.",
    ),
    "fine": (
        "All {segments} segments can be read: {decisions} decisions, in order.",
        "Les {segments} segments sont lisibles : {decisions} décisions, dans l’ordre.",
    ),
    "faulty": ("Faults: {count}.", "Défauts : {count}."),
    "days": ("day (UTC)|decisions|size", "jour (UTC)|décisions|taille"),
    "day-other": ("others", "autres"),
    "days-earlier": ("{count} earlier days are not shown: --all", "{count} jours antérieurs non affichés : --all"),
    "days-totals": (
        "Days: {days}; decisions: {decisions}; the whole database {size}.",
        "Jours : {days} ; décisions : {decisions} ; la base entière {size}.",
    ),
    "check-database": (
        "Decisions are in PostgreSQL, and --check reads files: `pilote audit verify` checks what a database keeps.",
        "Les décisions sont dans PostgreSQL, et --check lit des fichiers : `pilote audit verify` vérifie une base.",
    ),
    "seal-nothing": (
        "Decisions are in PostgreSQL, where there is nothing to seal: the audit service drops days that are over.",
        "Les décisions sont dans PostgreSQL, où il n’y a rien à sceller : le service d’audit supprime les jours échus.",
    ),
    "passfile-missing": (
        "PILOTE_AUDIT_URL: its passfile {file} is not there, or we may not read it.",
        "PILOTE_AUDIT_URL : son passfile {file} n’existe pas, ou nous ne pouvons pas le lire.",
    ),
    "passfile-open": (
        "PILOTE_AUDIT_URL: its passfile {file} must be a file that nobody else may read (chmod 600), or it is ignored.",
        "PILOTE_AUDIT_URL : son passfile {file} doit être un fichier illisible pour tout autre (chmod 600), sinon il est ignoré.",
    ),
    "database-away": (
        "The database that PILOTE_AUDIT_URL names cannot be read: {why}",
        "La base que nomme PILOTE_AUDIT_URL est illisible : {why}",
    ),
    "sealed-now": ("Segments that were sealed: {count}.", "Segments scellés : {count}."),
    "in-use": (
        "The store is in use: the running audit service seals by itself. Stop it, and seal again.",
        "La base est utilisée : le service d’audit en cours scelle lui-même. Arrêtez-le, puis recommencez.",
    ),
}
say: Final = saying(_TEXTS)


def megabytes(size: int, *, lang: str) -> str:
    """A size as people read it; a dash for nothing."""
    if not size:
        return "-"
    text, unit = f"{size / 1_000_000:.1f}", "Mo" if lang == "fr" else "MB"
    return f"{text.replace('.', ',') if lang == 'fr' else text} {unit}"
