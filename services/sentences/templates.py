"""How each kind of sentence is put into words.

A template is words, with synonyms in parentheses of which the first is said, `{slot:type}` for what is chosen (types
are in `services.sentences.slots`), and groups. `[…]` is said where its slot bounds something; `[!…]` always, and may be
left out by whoever writes; `[?slot …]` where that slot is true. Groups that follow each other may be written in any
order.
"""

from collections.abc import Mapping
from typing import Final

_WATCHED_EN: Final = "[?watched , (for now|so far) only (observed|watched)]"
_WATCHED_FR: Final = "[?watched , (pour l’instant|pour le moment) seulement (observé|observée|observés)]"

_WHOM_EN: Final = (
    "[ (outside|not in) {outside:words}][ whose {traits:texts}][ with {scores:numbers}]"
    "[ with a contact pressure above {pressure:number}][?unagreed  without (a consent|agreement) to the channel]"
    "[ by {channels:names.channel}][ for {categories:names.category}][ for the purpose {purposes:names}]"
    "[ in the campaign {campaigns:words}][ through {methods:methods}][ when the request has {request:asks}]"
)
_BY_EN: Final = "[ when asked by {agents:names}][ when asked by an agent whose {labels:texts}]"
_WHOM_FR: Final = (
    "[ (hors|sauf) {outside:words}][ dont {traits:texts}][ avec {scores:numbers}]"
    "[ avec une pression supérieure à {pressure:number}][?unagreed  sans (accord|consentement) pour le canal]"
    "[ par {channels:names.channel}][ pour {categories:names.category}][ pour la finalité {purposes:names}]"
    "[ dans la campagne {campaigns:words}][ par la méthode {methods:methods}][ quand la requête a {request:asks}]"
)
_BY_FR: Final = "[ à la demande de {agents:names}][ à la demande d’un agent dont {labels:texts}]"
_MESSAGES_EN: Final = "[ {categories:names.category}] (messages|contacts)"
_MESSAGES_FR: Final = "(messages|sollicitations|contacts)[ {categories:names.category}]"
_TO_EN: Final = "[! to {segments:segments}][, except {exempt:names.category}]"
_TO_FR: Final = "[! {segments:segments.to}][, (sauf|excepté) {exempt:names.category}]"
_ABOUT_EN: Final = "[ about {topics:names}][ of the brand {brands:names}]"
_ABOUT_FR: Final = "[ au sujet de {topics:names}][ de la marque {brands:names}]"
_EACH_EN: Final = "[, (counted for|on|for) each {each:choices.each}]"
_EACH_FR: Final = "[, (compté pour|sur|pour) chaque {each:choices.each}]"
_EXCEED_EN: Final = "[; what is too much is {exceed:choice.exceed}]"
_EXCEED_FR: Final = "[ ; le surplus est {exceed:choice.exceed}]"
_COUNTED_EN: Final = "[!, counted {by:by}]"
_COUNTED_FR: Final = "[!, (à compter|comptés|comptées) {by:by}]"
_BY_CHANNELS_EN: Final = "[! (by|through) {channels:any.channel}]"
_BY_CHANNELS_FR: Final = "[! (par|via) {channels:any.channel}]"

_ENGLISH: Final[Mapping[str, str]] = {
    "cap": f"(Never|Not|No) more than {{max:count}}{_MESSAGES_EN}{_ABOUT_EN}{_BY_CHANNELS_EN}"
    f"[! (in|within|per|every|a|each) {{period:period}}]{_TO_EN}{_EACH_EN}{_EXCEED_EN}",
    "gap": f"At least {{gap:duration}} between two{_MESSAGES_EN}{_ABOUT_EN}{_BY_CHANNELS_EN}{_TO_EN}{_EACH_EN}"
    + _EXCEED_EN,
    "repeat": f"(Never|Not) {{same:choice.same}} more than {{max:times}}[! (in|within|a) "
    f"{{period:period}}][ for {{categories:names.category}}]{_ABOUT_EN}{_BY_CHANNELS_EN}{_TO_EN}{_EXCEED_EN}",
    "never": f"(Never|Do not|Don’t) {{operations:any.verb}} {{segments:segments}}{_WHOM_EN}{_BY_EN}",
    "hold": "Ask (a person|somebody|someone) before agents {operations:any.verb} {segments:segments}"
    + _WHOM_EN
    + _BY_EN,
    "may": "{agents:any.agent}[ whose {labels:texts}] (may|can) {operations:any.verb} {segments:segments}" + _WHOM_EN,
    "only": "Only {agents:only.agent}[ whose {labels:texts}] (may|can) {operations:any.verb} {segments:segments}"
    + _WHOM_EN,
    "redact": "(Hide|Take out|Mask)[ the (fields|field) {fields:paths}][ all that is {sensitivity:choice.sensitivity}]"
    "[!  (in|of|from) {side:choice.side}][ as {instead:text}] when the call is to {operations:any.verb} "
    "{segments:segments}" + _WHOM_EN + _BY_EN,
    "hours": f"(Contact|Message) customers{_BY_CHANNELS_EN}[ for {{categories:names.category}}] only between "
    "{spans:spans}"
    "[, {days:days}][! by {zone:zone}][, or by the clock of {fallback:place} where that is unknown]"
    "[, never on (holidays|public holidays) of {holidays:country}][?later ; keep other calls until then]",
    "consent": f"(Contact|Message) customers{_BY_CHANNELS_EN}[ for {{categories:names.category}}]"
    "[ for the purpose {purposes:names}] only with their {bases:tabled.basis}"
    "[?anywhere  given for any address or number][, not older than {max_age:duration}]"
    "[, and not (within|for) {silence:duration} after (a refusal|an opt-out)]",
    "after": "Wait {within:duration} after {first:any.noun}[ through {first_methods:methods}] before "
    "{then:any.noun}[ through {then_methods:methods}] (of|about|for) the same {by:choice.thing}"
    "[, {whose:choice.whose}][?ask , or ask a person]",
    "limit": "At most {max:count} {operations:any.plural}[! (in|within|per|every|a|an|each) {period:period}]"
    + _COUNTED_EN
    + "[, only with {segments:segments}]" + _WHOM_EN + _BY_EN,
    "rate": "No faster than {rate:count} {operations:any.plural} (in|every|per|a|each) {per:duration}"
    "[, with {burst:count} at once]"
    + _COUNTED_EN
    + "[, only with {segments:segments}]" + _WHOM_EN + _BY_EN,
    "running": "At most {at_once:count} {operations:any.plural} running at a time"
    + _COUNTED_EN
    + "[, only with {segments:segments}]" + _WHOM_EN + _BY_EN,
}  # fmt: skip

_FRENCH: Final[Mapping[str, str]] = {
    "cap": f"(Jamais|Pas) plus de {{max:count}} {_MESSAGES_FR}{_ABOUT_FR}{_BY_CHANNELS_FR}"
    f"[! (en|par|dans) {{period:period}}]{_TO_FR}{_EACH_FR}{_EXCEED_FR}",
    "gap": f"Au moins {{gap:duration}} entre deux {_MESSAGES_FR}{_ABOUT_FR}{_BY_CHANNELS_FR}{_TO_FR}{_EACH_FR}"
    + _EXCEED_FR,
    "repeat": "(Jamais|Pas) plus {max:times} {same:choice.same}[! (en|dans) {period:period}]"
    f"[ pour {{categories:names.category}}]{_ABOUT_FR}{_BY_CHANNELS_FR}{_TO_FR}{_EXCEED_FR}",
    "never": f"(Ne jamais|Ne pas) {{operations:any.verb}} {{segments:segments}}{_WHOM_FR}{_BY_FR}",
    "hold": "Demander à (une personne|quelqu’un) avant de {operations:any.verb} {segments:segments}"
    + _WHOM_FR
    + _BY_FR,
    "may": "{agents:any.agent}[ dont {labels:texts}] (peut|peuvent) {operations:any.verb} {segments:segments}"
    + _WHOM_FR,
    "only": "Réserver à {agents:only.agent}[ dont {labels:texts}] le droit de {operations:any.verb} "
    "{segments:segments}" + _WHOM_FR,
    "redact": "(Masquer|Retirer|Cacher)[ les (champs|champ) {fields:paths}][ tout ce qui est "
    "{sensitivity:choice.sensitivity}][!  dans les {side:choice.side}][ en écrivant {instead:text}] quand l’appel sert "
    "à {operations:any.verb} {segments:segments}" + _WHOM_FR + _BY_FR,
    "hours": f"(Solliciter|Contacter) les clients{_BY_CHANNELS_FR}[ pour {{categories:names.category}}] seulement "
    "entre {spans:spans}[, {days:days}][! à l’heure {zone:zone}][, ou à celle de {fallback:place} si elle est inconnue]"
    "[, jamais les jours fériés de {holidays:country}][?later  ; garder les autres appels jusque-là]",
    "consent": f"(Solliciter|Contacter) les clients{_BY_CHANNELS_FR}[ pour {{categories:names.category}}]"
    "[ pour la finalité {purposes:names}] seulement avec {bases:tabled.basis}"
    "[?anywhere  donné pour n’importe quelle coordonnée][, de moins de {max_age:duration}]"
    "[, et jamais dans les {silence:duration} après (un refus|un désabonnement)]",
    "after": "Attendre {within:duration} après {first:any.noun}[ par la méthode {first_methods:methods}] avant "
    "{then:any.noun}[ par la méthode {then_methods:methods}] du même {by:choice.thing}[, {whose:choice.whose}]"
    "[?ask , ou demander à une personne]",
    "limit": "Au plus {max:count} {operations:any.plural}[! (en|par|dans) {period:period}]"
    + _COUNTED_FR
    + "[, seulement pour {segments:segments}]" + _WHOM_FR + _BY_FR,
    "rate": "Pas plus vite que {rate:count} {operations:any.plural} (en|toutes les|par|chaque) {per:duration}"
    "[, dont {burst:count} d’un coup]"
    + _COUNTED_FR
    + "[, seulement pour {segments:segments}]" + _WHOM_FR + _BY_FR,
    "running": "Au plus {at_once:count} {operations:any.plural} en cours à la fois"
    + _COUNTED_FR
    + "[, seulement pour {segments:segments}]" + _WHOM_FR + _BY_FR,
}  # fmt: skip

TEMPLATES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {kind: template + _WATCHED_EN for kind, template in _ENGLISH.items()},
    "fr": {kind: template + _WATCHED_FR for kind, template in _FRENCH.items()},
}
"""By language and kind."""
