"""What the command line says, in English and French."""

from typing import Final

from gateway.core.texts import LANGUAGES, fill

_TEXTS: Final = {
    "starting": ("Starting Pilote in {home}", "Démarrage de Pilote dans {home}"),
    "ready": (
        "Pilote is up. Agents call {gateway}; logs are in {logs}.",
        "Pilote est prêt. Les agents appellent {gateway} ; les journaux sont dans {logs}.",
    ),
    "no-policy": (
        "No policy is active yet, so every call is refused: pilote apply FILE",
        "Aucune politique n’est encore active, tout appel est donc refusé : pilote apply FICHIER",
    ),
    "stop-hint": ("Ctrl-C stops everything.", "Ctrl-C arrête tout."),
    "stopping": ("Draining; a second Ctrl-C ends at once.", "Arrêt en cours ; un second Ctrl-C termine aussitôt."),
    "stopped": ("Everything has stopped.", "Tout est arrêté."),
    "child": ("{child}: {state} {detail}", "{child} : {state} {detail}"),
    "policy-good": (
        "{file} is a valid policy: {agents} agents, {routes} routes, {rules} rules, {limits} limits, {caps} caps; {methods} methods are described.",
        "{file} est une politique valide : {agents} agents, {routes} routes, {rules} règles, {limits} limites, {caps} plafonds ; {methods} méthodes sont décrites.",
    ),
    "policy-bad": ("{file} has {count} mistakes:", "{file} contient {count} erreurs :"),
    "policy-findings": (
        "{file} has rules that can do nothing ({count}):",
        "{file} contient des règles sans effet ({count}) :",
    ),
    "policy-large": (
        "There are too many rules to compare them all: some that can do nothing may not have been found.",
        "Il y a trop de règles pour les comparer toutes : certaines règles sans effet ont pu échapper.",
    ),
    "policy-applied": ("Revision {number} is active ({sha256}).", "La révision {number} est active ({sha256})."),
    "policy-conflict": (
        "Revision {active} became active in the meantime: read it, then apply again.",
        "La révision {active} est devenue active entre-temps : lisez-la, puis réappliquez.",
    ),
    "key-made": (
        "Give this key to the agent; it is shown once:",
        "Remettez cette clé à l’agent ; elle n’est montrée qu’une fois :",
    ),
    "key-hash": (
        "Put this into the agent's `keys` in the policy:",
        "Ajoutez ceci aux `keys` de l’agent dans la politique :",
    ),
    "facts-imported": ("{count} subjects' facts are stored.", "Les faits de {count} personnes sont enregistrés."),
    "not-running": ("Nothing runs in {home}: pilote up", "Rien ne tourne dans {home} : pilote up"),
    "store-down": (
        "The store does not answer. Is `pilote up` running, or PILOTE_REDIS_URL right?",
        "Le stockage ne répond pas. `pilote up` tourne-t-il, PILOTE_REDIS_URL est-elle juste ?",
    ),
    "audit-down": (
        "The audit service does not answer at {address}. Is `pilote up` running?",
        "Le service d’audit ne répond pas à {address}. `pilote up` tourne-t-il ?",
    ),
    "stop-unknown": (
        "{what} cannot be stopped: write all, agent=NAME, version=MODEL/VERSION, route=NAME or channel=NAME.",
        "{what} ne peut pas être suspendu : écrivez all, agent=NOM, version=MODÈLE/VERSION, route=NOM ou channel=NOM.",
    ),
    "stop-no-tenant": (
        "No policy is active: name the tenant with --tenant.",
        "Aucune politique n’est active : indiquez --tenant.",
    ),
    "stopped-now": ("{what} is halted for {tenants}.", "{what} est suspendu pour {tenants}."),
    "resumed": ("{what} goes on for {tenants}.", "{what} reprend pour {tenants}."),
    "not-stopped": ("{what} was not halted for {tenants}.", "{what} n’était pas suspendu pour {tenants}."),
    "nothing-stopped": ("Nothing is halted.", "Rien n’est suspendu."),
    "rule-failed": (
        "{tenant}  {rule}  failed {count} times from {first} to {last}: {error} (revision {revision}; pilote explain {decision})",
        "{tenant}  {rule}  {count} échecs du {first} au {last} : {error} (révision {revision} ; pilote explain {decision})",
    ),
    "nothing-failed": ("No rule has failed.", "Aucune règle n’a échoué."),
    "gateway-down": (
        "Nobody answers at {address}. Is `pilote up` running?",
        "Personne ne répond à {address}. `pilote up` tourne-t-il ?",
    ),
    "demo-missing": (
        "The demonstration needs its data: pip install 'pilote[demo]'",
        "La démonstration a besoin de ses données : pip install 'pilote[demo]'",
    ),
    "phase-import": (
        "import-bot brings {count} contacts and their deals",
        "import-bot apporte {count} contacts et leurs affaires",
    ),
    "phase-research": ("research-bot reads and scores leads", "research-bot lit et note les prospects"),
    "phase-sales": ("sales-bot works on deals", "sales-bot travaille sur les affaires"),
    "phase-marketing": ("marketing-bot sends three campaigns", "marketing-bot envoie trois campagnes"),
    "phase-burst": ("research-bot reads far too fast", "research-bot lit beaucoup trop vite"),
    "phase-audit": ("the audit service stores the decisions", "le service d’audit enregistre les décisions"),
    "table-verdicts": ("Calls by verdict and reason", "Appels par verdict et par motif"),
    "table-versions": ("Inferences by model version", "Inférences par version de modèle"),
    "table-latency": ("Latency, milliseconds", "Latence, en millisecondes"),
    "column-verdict": ("Verdict", "Verdict"),
    "column-reason": ("Reason", "Motif"),
    "column-status": ("Status", "Statut"),
    "column-calls": ("Calls", "Appels"),
    "column-share": ("Share", "Part"),
    "column-model": ("Model", "Modèle"),
    "column-version": ("Version", "Version"),
    "column-wanted": ("Wanted", "Voulu"),
    "latency-agent": ("seen by the agent", "vue par l’agent"),
    "latency-overhead": ("added by the gateway", "ajoutée par la passerelle"),
    "explained": ("One decision, explained: {name}", "Une décision, expliquée : {name}"),
    "reconciled": (
        "{calls} calls were made and {records} decisions recorded, in {seconds} s.",
        "{calls} appels ont été faits et {records} décisions enregistrées, en {seconds} s.",
    ),
    "not-reconciled": (
        "{calls} calls were made, but {records} decisions recorded: please report this.",
        "{calls} appels ont été faits, mais {records} décisions enregistrées : merci de le signaler.",
    ),
    "try-next": (
        "Look at any of them: pilote decisions list, pilote explain ID",
        "Regardez-en d’autres : pilote decisions list, pilote explain ID",
    ),
}


def say(key: str, *, language: str, **values: object) -> str:
    """The text in that language, with its placeholders filled in."""
    return fill(_TEXTS[key][LANGUAGES.index(language)], {name: str(value) for name, value in values.items()})
