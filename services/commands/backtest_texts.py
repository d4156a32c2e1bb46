"""What `pilote plan --backtest` says, in English and French."""

from collections.abc import Mapping
from typing import Final

from gateway.core.texts import LANGUAGES, saying

VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "ALLOW": ("allowed", "autorisé"),
    "DENY": ("refused", "refusé"),
    "HOLD": ("held for a person", "soumis à une personne"),
    "DEFER": ("made later", "fait plus tard"),
}
_TEXTS: Final = {
    "columns": ("would change|by|calls|share|for example", "changerait|par|appels|part|par exemple"),
    "kind-verdict": ("{was}, would be {becomes}", "{was}, serait {becomes}"),
    "kind-refusal": ("refused or held otherwise: {was} → {becomes}", "refusé ou retenu autrement : {was} → {becomes}"),
    "kind-arm": ("another arm: {was} → {becomes}", "autre branche : {was} → {becomes}"),
    "kind-version": ("another version: {was} → {becomes}", "autre version : {was} → {becomes}"),
    "kind-redactions": ("other redactions: {was} → {becomes}", "autre masquage : {was} → {becomes}"),
    "kind-variations": ("other variations: {was} → {becomes}", "autres variantes : {was} → {becomes}"),
    "kind-counted": ("counted: {was}, would be {becomes}", "au compte : {was}, serait {becomes}"),
    "kind-others": ("further changes of other kinds", "autres changements"),
    "interval": ("{share} ({low} to {high})", "{share} ({low} à {high})"),
    "total": (
        "Of {replayed} recorded calls {otherwise} would have ended otherwise by the rules, experiments and routes ({share}).",
        "Sur {replayed} appels enregistrés, {otherwise} auraient fini autrement par les règles, expériences et routes ({share}).",
    ),
    "none": (
        "There are no inputs of calls to replay: the policy says in `replay` of how many calls they are kept.",
        "Il n’y a aucun appel à rejouer : la politique dit dans `replay` pour combien d’appels les données sont conservées.",
    ),
    "left-out": ("{calls} left out: {why} ({examples})", "{calls} laissés de côté : {why} ({examples})"),
    "disagrees": (
        "decided once more under their own revision, they do not come to what was recorded",
        "rejoués sous leur propre révision, ils ne donnent pas ce qui a été enregistré",
    ),
    "facts": (
        "the new policy looks at what is known of the customer, and that was not read then",
        "la nouvelle politique consulte ce que l’on sait du client, qui n’avait pas été lu",
    ),
    "pressure": (
        "the new policy looks at the contact pressure, and that was not read then",
        "la nouvelle politique consulte la pression, qui n’avait pas été lue",
    ),
    "lineage": (
        "the new policy looks at the inference behind an action, and that was not read then",
        "la nouvelle politique consulte l’inférence à l’origine de l’action, qui n’avait pas été lue",
    ),
    "replay-key": (
        "they were sealed with a key that is not in the key file here (PILOTE_REPLAY_KEY_FILE)",
        "scellés avec une clé absente du fichier de clés (PILOTE_REPLAY_KEY_FILE)",
    ),
    "replay-damaged": ("what was kept was changed since", "ce qui a été conservé a été modifié depuis"),
    "replay-version": (
        "another version of Pilote kept them, with other inputs",
        "une autre version de Pilote les a conservés, avec d’autres données",
    ),
    "replay-revision-gone": (
        "the revision that decided is not there any more",
        "la révision qui a décidé n’existe plus",
    ),
    "replay-revision-unreadable": (
        "this version of Pilote cannot read the revision that decided",
        "cette version de Pilote ne peut pas lire la révision qui a décidé",
    ),
    "uncounted": (
        "Limits and caps are not counted, since only of {share} of the calls it is kept what they were decided by: what they refused or let through is taken as it was.",
        "Limites et plafonds ne sont pas recomptés, car seuls {share} des appels sont conservés : ce qu’ils ont refusé ou laissé passer est repris tel quel.",
    ),
    "counted-how": (
        "Limits and caps are counted over these calls alone, from empty buckets; what runs at a time, quotas of upstreams, sequences and the score of pressure are not.",
        "Limites et plafonds sont recomptés sur ces seuls appels, à partir de zéro ; les appels simultanés, quotas des systèmes en aval, séquences et score de pression ne le sont pas.",
    ),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""


def in_words(text: str, language: str) -> str:
    """A verdict in words; anything else as it is, and "-" for nothing."""
    verdict, _, more = text.partition(" ")
    if verdict not in VERDICTS:
        return text or "-"
    return f"{VERDICTS[verdict][LANGUAGES.index(language)]} {more}".strip()
