"""What `pilote simulate` says, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "not-embedded": (
        "A quarter is simulated into the embedded stores of a home: unset PILOTE_REDIS_URL and PILOTE_AUDIT_URL.",
        "Un trimestre est simulé dans les bases embarquées d’un dossier : retirez PILOTE_REDIS_URL et PILOTE_AUDIT_URL.",
    ),
    "not-empty": (
        "{home} holds decisions already, and simulated ones must not be mixed with others: name an empty folder with --home.",
        "{home} contient déjà des décisions, et celles qui sont simulées ne doivent se mêler à aucune autre : indiquez un dossier vide avec --home.",
    ),
    "bad-day": (
        "--until must be a day such as 2026-03-31, not {given}.",
        "--until doit être un jour comme 2026-03-31, et non {given}.",
    ),
    "too-few": (
        "{decisions} decisions are too few for {customers} customers: give at least one for each.",
        "{decisions} décisions sont trop peu pour {customers} clients : donnez-en au moins une par client.",
    ),
    "no-demo": (
        "The customers are LeadForge’s contacts, which come with the extra “demo”: pip install 'pilote[demo]'.",
        "Les clients sont des contacts de LeadForge, qui viennent avec l’extra « demo » : pip install 'pilote[demo]'.",
    ),
    "agent": (
        "The policy has no agent {name} of tenant acme: a simulated quarter needs all agents of its campaigns.",
        "La politique n’a pas d’agent {name} du client acme : un trimestre simulé a besoin de tous les agents de ses campagnes.",
    ),
    "method": (
        "The policy describes no method {name}, which the agents of a simulated quarter call.",
        "La politique ne décrit aucune méthode {name}, qu’appellent les agents d’un trimestre simulé.",
    ),
    "pressure": (
        "Rules for {name} read facts.pressure, which a simulated quarter does not have: take them out, or use caps.",
        "Des règles de {name} lisent facts.pressure, qu’un trimestre simulé ne connaît pas : retirez-les, ou utilisez des plafonds.",
    ),
    "no-store": (
        "The embedded store in {home} does not start: see whether there is room and the folder can be written.",
        "La base embarquée de {home} ne démarre pas : vérifiez qu’il y a de la place et que le dossier est accessible en écriture.",
    ),
    "people": (
        "{customers} customers of LeadForge’s world, {attempts} attempts of {agents} agents",
        "{customers} clients du monde de LeadForge, {attempts} tentatives de {agents} agents",
    ),
    "living": ("Decisions", "Décisions"),
    "knowing": ("Facts of customers", "Faits sur les clients"),
    "sealing": ("Hours sealed", "Heures scellées"),
    "done": (
        "{decisions} decisions from {start} to {end} in {home}, in {took}. What is true of them: {truth}",
        "{decisions} décisions du {start} au {end} dans {home}, en {took}. Ce qu’il y a de vrai : {truth}",
    ),
    "truth": (
        "True: contacts have brought {incremental} € more; {opt_outs} of contacts make somebody opt out; NPS {nps}; {much} feel contacted much too much.",
        "En vérité : les sollicitations ont rapporté {incremental} € de plus ; {opt_outs} d’entre elles provoquent une désinscription ; NPS {nps} ; {much} se sentent beaucoup trop sollicités.",
    ),
    "look": (
        "Look at it with: PILOTE_HOME={home} pilote up",
        "Pour le regarder : PILOTE_HOME={home} pilote up",
    ),
}

say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
