"""What things are called in sentences, in English and French: the first word of each is the one that is said.

Names that a company gives itself stand as they are; the usual channels and categories have words of their own.
"""

from collections.abc import Mapping
from typing import Final

Table = Mapping[str, tuple[str, ...]]
"""By value, the words for it."""

_ENGLISH: Final[Mapping[str, Table]] = {
    "channel": {
        "email": ("email", "e-mail", "mail message"),
        "sms": ("SMS", "text message"),
        "phone": ("phone", "telephone", "phone call", "call"),
        "push": ("push", "push notification", "notification"),
        "postal": ("post", "letter", "postal mail"),
        "chat": ("chat",),
        "whatsapp": ("WhatsApp",),
    },
    "category": {
        "marketing": ("marketing", "advertising", "promotional"),
        "transactional": ("transactional", "transaction"),
        "legal": ("legal",),
        "service": ("service",),
    },
    "verb": {
        "READ": ("read", "look up", "see"),
        "WRITE": ("change", "write", "edit", "update"),
        "CONTACT": ("contact", "solicit", "message", "reach"),
        "DELETE": ("delete", "erase", "remove"),
        "INFER": ("score", "predict", "infer"),
    },
    "noun": {
        "READ": ("a read", "reading", "read"),
        "WRITE": ("a change", "changing", "change", "write"),
        "CONTACT": ("a contact", "contacting", "contact", "message"),
        "DELETE": ("a deletion", "deleting", "deletion"),
        "INFER": ("a prediction", "scoring", "prediction", "inference"),
    },
    "plural": {
        "READ": ("reads",),
        "WRITE": ("changes", "writes"),
        "CONTACT": ("contacts", "messages"),
        "DELETE": ("deletions",),
        "INFER": ("predictions", "inferences"),
    },
    "dimension": {
        "tenant": ("tenant", "company"),
        "agent": ("agent",),
        "method": ("method",),
        "operation": ("operation",),
        "model": ("model",),
        "version": ("version",),
        "upstream": ("system", "upstream"),
        "route": ("route",),
        "subject": ("customer", "client", "person"),
        "channel": ("channel",),
        "category": ("category",),
        "brand": ("brand",),
        "campaign": ("campaign",),
    },
    "same": {"topic": ("the same topic", "the same subject matter"), "brand": ("the same brand",),
             "campaign": ("the same campaign",)},
    "thing": {"subject": ("customer", "client", "person"), "agent": ("agent",)},
    "whose": {
        "same": ("if the same agent did it",),
        "other": ("if another agent did it", "if a different agent did it"),
    },
    "exceed": {
        "defer": ("kept for later", "put off", "deferred"),
        "review": ("shown to a person", "reviewed by a person"),
    },
    "side": {"reply": ("replies", "answers", "responses"), "request": ("requests",)},
    "sensitivity": {
        "INTERNAL": ("internal",),
        "PERSONAL": ("personal",),
        "SPECIAL": ("specially protected", "special"),
        "CREDENTIAL": ("a credential", "secret"),
    },
    "basis": {
        "consent": ("consent", "agreement", "opt-in"),
        "contract": ("contract",),
        "existing_customer": ("existing custom", "being existing customers"),
        "legitimate_interest": ("legitimate interest",),
        "legal_obligation": ("legal obligation",),
        "public_task": ("public task",),
        "vital_interest": ("vital interest",),
    },
    "day": {
        "mon": ("Monday", "Mon"),
        "tue": ("Tuesday", "Tue"),
        "wed": ("Wednesday", "Wed"),
        "thu": ("Thursday", "Thu"),
        "fri": ("Friday", "Fri"),
        "sat": ("Saturday", "Sat"),
        "sun": ("Sunday", "Sun"),
    },
    "order": {
        "above": ("above", "over", "more than", "greater than"),
        "at_least": ("at least",),
        "below": ("below", "under", "less than"),
        "at_most": ("at most",),
        "exactly": ("exactly", "equal to"),
    },
    "unit": {
        "ms": ("milliseconds", "ms"),
        "s": ("seconds", "sec"),
        "m": ("minutes", "min"),
        "h": ("hours", "h"),
        "d": ("days", "d"),
        "w": ("weeks",),
    },
    "calendar": {
        "day": ("calendar day",),
        "week": ("calendar week",),
        "month": ("calendar month", "month"),
        "year": ("calendar year", "year"),
    },
    "number": {
        "0": ("no", "zero", "none"), "1": ("one", "once"), "2": ("two", "twice"), "3": ("three",), "4": ("four",),
        "5": ("five",), "6": ("six",), "7": ("seven",), "8": ("eight",), "9": ("nine",), "10": ("ten",),
        "12": ("twelve",),
    },
    "each": {"channel": ("channel",), "category": ("category",)},
}  # fmt: skip

_FRENCH: Final[Mapping[str, Table]] = {
    "channel": {
        "email": ("e-mail", "email", "courriel", "mail"),
        "sms": ("SMS", "texto"),
        "phone": ("téléphone", "appel", "appel téléphonique"),
        "push": ("notification", "push"),
        "postal": ("courrier", "lettre"),
        "chat": ("messagerie", "chat"),
        "whatsapp": ("WhatsApp",),
    },
    "category": {
        "marketing": ("marketing", "publicitaire", "promotionnel"),
        "transactional": ("transactionnel", "transactionnelle", "transaction"),
        "legal": ("légal", "légale"),
        "service": ("service",),
    },
    "verb": {
        "READ": ("lire", "consulter"),
        "WRITE": ("modifier", "changer", "écrire"),
        "CONTACT": ("solliciter", "contacter", "joindre"),
        "DELETE": ("supprimer", "effacer"),
        "INFER": ("noter", "prédire"),
    },
    "noun": {
        "READ": ("une lecture", "lecture"),
        "WRITE": ("une modification", "modification", "un changement"),
        "CONTACT": ("une sollicitation", "sollicitation", "un contact", "contact", "un message"),
        "DELETE": ("une suppression", "suppression"),
        "INFER": ("une prédiction", "prédiction", "une inférence"),
    },
    "plural": {
        "READ": ("lectures",),
        "WRITE": ("modifications", "changements"),
        "CONTACT": ("sollicitations", "contacts", "messages"),
        "DELETE": ("suppressions",),
        "INFER": ("prédictions", "inférences"),
    },
    "dimension": {
        "tenant": ("société", "locataire"),
        "agent": ("agent",),
        "method": ("méthode",),
        "operation": ("opération",),
        "model": ("modèle",),
        "version": ("version",),
        "upstream": ("système",),
        "route": ("route",),
        "subject": ("client", "personne"),
        "channel": ("canal", "canaux"),
        "category": ("catégorie",),
        "brand": ("marque",),
        "campaign": ("campagne",),
    },
    "same": {"topic": ("le même sujet", "le même thème"), "brand": ("la même marque",),
             "campaign": ("la même campagne",)},
    "thing": {"subject": ("client", "personne"), "agent": ("agent",)},
    "whose": {
        "same": ("si c’est le même agent",),
        "other": ("si c’est un autre agent",),
    },
    "exceed": {
        "defer": ("gardé pour plus tard", "reporté", "différé"),
        "review": ("montré à une personne", "revu par une personne"),
    },
    "side": {"reply": ("réponses",), "request": ("requêtes", "demandes")},
    "sensitivity": {
        "INTERNAL": ("interne",),
        "PERSONAL": ("personnel", "personnelle"),
        "SPECIAL": ("spécialement protégé", "sensible"),
        "CREDENTIAL": ("secret",),
    },
    "basis": {
        "consent": ("consentement", "accord"),
        "contract": ("contrat",),
        "existing_customer": ("relation client existante", "client existant"),
        "legitimate_interest": ("intérêt légitime",),
        "legal_obligation": ("obligation légale",),
        "public_task": ("mission publique", "mission d’intérêt public"),
        "vital_interest": ("intérêts vitaux", "intérêt vital"),
    },
    "day": {
        "mon": ("lundi",),
        "tue": ("mardi",),
        "wed": ("mercredi",),
        "thu": ("jeudi",),
        "fri": ("vendredi",),
        "sat": ("samedi",),
        "sun": ("dimanche",),
    },
    "order": {
        "above": ("au-dessus de", "supérieur à", "plus de"),
        "at_least": ("au moins à", "au moins égal à", "au moins"),
        "below": ("en dessous de", "inférieur à", "moins de"),
        "at_most": ("au plus à", "au plus égal à", "au plus"),
        "exactly": ("égal à", "exactement"),
    },
    "unit": {
        "ms": ("millisecondes", "ms"),
        "s": ("secondes", "s", "sec"),
        "m": ("minutes", "min"),
        "h": ("heures", "h"),
        "d": ("jours", "j"),
        "w": ("semaines",),
    },
    "calendar": {
        "day": ("jour civil", "jour calendaire"),
        "week": ("semaine civile", "semaine calendaire"),
        "month": ("mois civil", "mois"),
        "year": ("année civile", "an", "année"),
    },
    "number": {
        "0": ("zéro", "aucun", "aucune"), "1": ("un", "une"), "2": ("deux",), "3": ("trois",), "4": ("quatre",),
        "5": ("cinq",), "6": ("six",), "7": ("sept",), "8": ("huit",), "9": ("neuf",), "10": ("dix",),
        "12": ("douze",),
    },
    "each": {"channel": ("canal",), "category": ("catégorie",)},
}  # fmt: skip

WORDS: Final[Mapping[str, Mapping[str, Table]]] = {"en": _ENGLISH, "fr": _FRENCH}
"""By language and table."""
SINGULAR: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"ms": "millisecond", "s": "second", "m": "minute", "h": "hour", "d": "day"},
    "fr": {"ms": "milliseconde", "s": "seconde", "m": "minute", "h": "heure", "d": "jour"},
}
"""Units of one."""
ANY: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "en": {
        "channel": ("any channel", "all channels", "every channel", "whatever channel"),
        "verb": ("handle", "do anything with", "treat"),
        "noun": ("any call", "anything"),
        "plural": ("calls", "requests"),
        "agent": ("every agent", "any agent", "all agents", "anybody", "everybody"),
        "only": ("agents", "those agents"),
        "dimension": ("all together", "together", "as a whole"),
        "segment": ("any customer", "all customers", "every customer", "customers", "everyone", "everybody", "anyone"),
    },
    "fr": {
        "channel": ("tout canal", "tous les canaux", "n’importe quel canal"),
        "verb": ("traiter",),
        "noun": ("un appel", "tout appel"),
        "plural": ("appels", "requêtes"),
        "agent": ("chaque agent", "tout agent", "tous les agents", "n’importe quel agent"),
        "only": ("tout agent", "aux agents", "agents"),
        "dimension": ("tous ensemble", "ensemble"),
        "segment": ("tout client", "tous les clients", "chaque client", "clients", "tout le monde", "quiconque"),
    },
}
"""What is said where a slot bounds nothing."""
FILLERS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({"the", "a", "an", "please", "their"}),
    "fr": frozenset({"le", "la", "les", "l'", "un", "une", "de", "d'", "du", "des", "leur", "à", "a", "au", "aux"}),
}
"""Words that may be left out or added anywhere, as `tokens.plain` gives them."""
QUOTES: Final[Mapping[str, tuple[str, str]]] = {"en": ("“", "”"), "fr": ("« ", " »")}
