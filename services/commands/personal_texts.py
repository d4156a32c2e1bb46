"""What the commands about personal data in records say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "values-who": (
        "Say who asks, with which key and why: --as NAME --key FILE --reason WHY.",
        "Dites qui demande, avec quelle clé et pourquoi : --as NOM --key FICHIER --reason POURQUOI.",
    ),
    "values-head": ("It was decided by:", "La décision s’appuyait sur :"),
    "values-none": (
        "Nothing that it was decided by is recorded.",
        "Rien de ce qui a servi à décider n’est enregistré.",
    ),
    "values-more": ("{count} further values were not recorded.", "{count} autres valeurs n’ont pas été enregistrées."),
    "control-down": (
        "The control plane does not answer at {address}.",
        "Le plan de contrôle ne répond pas à l’adresse {address}.",
    ),
    "erased": (
        "{subject} of {tenant} was erased: {keys} keys and {inputs} inputs of decisions were destroyed.",
        "{subject} chez {tenant} a été effacé : {keys} clés et {inputs} entrées de décisions ont été détruites.",
    ),
    "erased-nobody": ("There is no tenant yet.", "Il n’y a encore aucune organisation."),
    "erased-later": (
        "Some files are still being read; they are cleared as soon as that is over.",
        "Des fichiers sont encore en lecture ; ils seront nettoyés dès que possible.",
    ),
    "erased-crm": (
        "What the CRM, its facts and its consents say of the customer is not touched.",
        "Ce que le CRM, ses faits et ses consentements disent du client n’est pas touché.",
    ),
    "rewrapped": (
        "{count} keys are wrapped with the first master key now; older ones may leave the file.",
        "{count} clés sont désormais scellées avec la première clé maîtresse ; les anciennes peuvent quitter le fichier.",
    ),
    "rewrap-key": (
        "A key was wrapped with a master key that is not in the file: put that one back, below the first.",
        "Une clé a été scellée avec une clé maîtresse absente du fichier : remettez-la, sous la première.",
    ),
    "rewrap-damaged": (
        "A key in the store was changed, so it cannot be wrapped anew; those before it are done.",
        "Une clé du dépôt a été modifiée et ne peut être scellée à nouveau ; les précédentes sont faites.",
    ),
    "rewrap-store": (
        "There is no store of decisions of this version in {home} or in PILOTE_AUDIT_URL, or it is locked.",
        "Il n’y a pas de dépôt de décisions de cette version dans {home} ou PILOTE_AUDIT_URL, ou il est verrouillé.",
    ),
    "notes-columns": ("time|what|who|why|tenant|about", "date|quoi|qui|pourquoi|organisation|sujet"),
    "note-erasure": ("erasure", "effacement"),
    "note-access": ("access", "accès"),
    "note-change": ("change", "modification"),
    "refused": ("The audit service refuses: {text}", "Le service d’audit refuse : {text}"),
}

say = saying(_TEXTS)
