"""What is said of probes, in English and French: mistakes in suites, and what came of a run."""

from collections.abc import Mapping
from typing import Final

from gateway.core.texts import saying

MISTAKES: Final[Mapping[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "suite-large": (
        ("the suite is too large", "la suite est trop grande"),
        ("keep it under {most} bytes, or split it", "restez sous {most} octets, ou scindez-la"),
    ),
    "suite-named": (
        ("the suite calls itself otherwise", "la suite porte un autre nom"),
        (
            "write `suite: {name}`, or keep it under its own name",
            "écrivez `suite: {name}`, ou enregistrez-la sous son propre nom",
        ),
    ),
    "nothing-listed": (
        ("nothing is listed here", "rien ne figure ici"),
        ("list at least one", "citez-en au moins un élément"),
    ),
    "probe-kind": (
        ("'{name}' is no kind of probe", "« {name} » n’est pas un type de sonde"),
        ("write `kind:` and one of {choices}", "écrivez `kind:` et l’un de {choices}"),
    ),
    "base-moment": (
        ("'{text}' is no time", "« {text} » n’est pas une date et heure"),
        ('write it like "2026-01-05T10:00:00Z"', 'écrivez-la comme "2026-01-05T10:00:00Z"'),
    ),
    "base-unknown": (
        ("there is no base '{name}'", "il n’y a pas de base « {name} »"),
        ("name one of `bases` {hint}", "citez l’une de `bases` {hint}"),
    ),
    "expect-nothing": (
        ("nothing is expected", "rien n’est attendu"),
        ("give `verdict`, `reason`, `rule` or `answer`", "donnez `verdict`, `reason`, `rule` ou `answer`"),
    ),
    "answer-one": (
        ("it must say one thing of the answer", "une seule chose doit être dite de la réponse"),
        (
            "give one of `equals`, `least` or `most` or both, `contains`, `lacks`",
            "donnez l’un de `equals`, `least` ou `most` ou les deux, `contains`, `lacks`",
        ),
    ),
    "variation-either": (
        ("values come either from here or from Pilote", "les valeurs viennent soit d’ici, soit de Pilote"),
        ("give either `values` or `known`", "donnez soit `values`, soit `known`"),
    ),
    "direction-of": (
        (
            "a number of an answer grows or falls; a verdict gets stricter or more permissive",
            "un nombre d’une réponse croît ou décroît ; un verdict devient plus strict ou plus permissif",
        ),
        (
            "give `of` with `never: less` or `never: more`, and else neither",
            "donnez `of` avec `never: less` ou `never: more`, et sinon aucun des deux",
        ),
    ),
    "direction-varies": (
        ("'{field}' is what the probe goes along", "« {field} » est ce que suit déjà la sonde"),
        ("vary another field", "faites varier un autre champ"),
    ),
    "field-no-text": (
        ("'{field}' holds no text", "« {field} » ne contient pas de texte"),
        ("name a field of the request, the facts or the metadata", "citez un champ de request, facts ou metadata"),
    ),
}
"""By code what is wrong and how to mend it."""

say: Final = saying(
    {
        "made-of-finding": (
            "Made of {name} ({title}). The calls are as their records show them; records hold no personal data, so these are missing: {missing}. Put in what the probes need.",
            "Issue de {name} ({title}). Les appels sont tels que leurs enregistrements les montrent ; ceux-ci ne contiennent aucune donnée personnelle, il manque donc : {missing}. Complétez ce dont les sondes ont besoin.",
        ),
        "made-as-recorded": (
            "Probes named as-recorded expect what was recorded: write there what should come of the call.",
            "Les sondes nommées as-recorded attendent ce qui a été enregistré : écrivez-y ce que l’appel devrait donner.",
        ),
        "made-of-reviews": (
            "Decisions that people have reviewed and found wrong, each with the verdict that it should have had. Records hold no personal data: put into the bases what the probes need.",
            "Décisions que des personnes ont revues et jugées fausses, chacune avec le verdict qu’elle aurait dû recevoir. Les enregistrements ne contiennent aucune donnée personnelle : complétez les bases selon les besoins des sondes.",
        ),
        "bad": ("{file} has {count} mistake(s):", "{file} comporte {count} erreur(s) :"),
        "target-one": (
            "Say what to probe: --policy, --draft or --revision, one of them; with --version none is needed.",
            "Dites quoi sonder : --policy, --draft ou --revision, un seul ; avec --version, aucun n’est nécessaire.",
        ),
        "unreadable": ("{file} cannot be read.", "{file} est illisible."),
        "unwritable": ("{file} cannot be written.", "{file} ne peut pas être écrit."),
        "draft": ("the draft {draft}", "le brouillon {draft}"),
        "revision": ("revision {number}", "la révision {number}"),
        "draft-bad": (
            "The draft {draft} has {count} mistake(s): mend them in the console, then probe it.",
            "Le brouillon {draft} comporte {count} erreur(s) : corrigez-les dans la console, puis sondez-le.",
        ),
        "suite-unknown": (
            "No suite {suite} is kept: `pilote probes list` shows those that are, `pilote probes save FILE --tenant TENANT` keeps one.",
            "Aucune suite {suite} n’est conservée : `pilote probes list` montre celles qui le sont, `pilote probes save FICHIER --tenant ORGANISATION` en conserve une.",
        ),
        "suite-tenant": (
            "'{tenant}' is no name of a tenant: write it like acme.",
            "« {tenant} » n’est pas un nom d’organisation : écrivez-le comme acme.",
        ),
        "suites-full": (
            "There are too many suites: delete one that nothing asks for.",
            "Il y a trop de suites : supprimez-en une que rien ne demande.",
        ),
        "suite-changed": (
            "Somebody else has saved the suite meanwhile; look at it and try again.",
            "Quelqu’un d’autre a enregistré la suite entre-temps ; regardez-la et recommencez.",
        ),
        "suite-saved": ("{suite} is kept, version {version}.", "{suite} est conservée, version {version}."),
        "suite-deleted": ("{suite} is deleted.", "{suite} est supprimée."),
        "suites-none": ("No suite is kept.", "Aucune suite n’est conservée."),
        "suite-columns": ("suite|version|probes|saved by|saved", "suite|version|sondes|enregistrée par|enregistrée le"),
        "version-unknown": (
            "The policy has no version {version} of a model: name one of its `models`, like lead-score/2.",
            "La politique n’a pas de version {version} d’un modèle : citez l’un de ses `models`, comme lead-score/2.",
        ),
        "no-policy": (
            "No policy is active yet that the version could stand in: say which one with --policy.",
            "Aucune politique n’est encore active où trouver la version : indiquez-la avec --policy.",
        ),
        "running": ("Probing {target}: {done} of {all} probes.", "Sondage : {target}, {done} sondes sur {all}."),
        "passed": ("passed  {probe} ({kind}, {cases} cases)", "réussie  {probe} ({kind}, {cases} cas)"),
        "failed": ("FAILED  {probe} ({kind}): {why}", "ÉCHEC   {probe} ({kind}) : {why}"),
        "broken": ("BROKEN  {probe} ({kind}): {why}", "INVALIDE {probe} ({kind}) : {why}"),
        "smallest": (
            "        Smallest example, as a probe to paste:",
            "        Plus petit exemple, sous forme de sonde à coller :",
        ),
        "good": (
            "{suite}: {probes} probes hold for {target} ({cases} cases, seed {seed}).",
            "{suite} : {probes} sondes tiennent pour {target} ({cases} cas, graine {seed}).",
        ),
        "not-good": (
            "{suite}: {failed} of {probes} probes do not hold for {target} ({cases} cases, seed {seed}).",
            "{suite} : {failed} sondes sur {probes} ne tiennent pas pour {target} ({cases} cas, graine {seed}).",
        ),
        "why-expect": ("it came to {got}, not to {wanted}", "obtenu : {got} ; attendu : {wanted}"),
        "why-same": (
            "{fields} changes what comes of it: {got}, and without that {wanted}",
            "{fields} change l’issue : {got}, et sans cela {wanted}",
        ),
        "why-permissive": (
            "it becomes more permissive: {got} where it was {wanted}",
            "l’issue devient plus permissive : {got} au lieu de {wanted}",
        ),
        "why-stricter": (
            "it becomes stricter: {got} where it was {wanted}",
            "l’issue devient plus stricte : {got} au lieu de {wanted}",
        ),
        "why-less": (
            "the number falls: {got} where it was {wanted}",
            "le nombre décroît : {got} au lieu de {wanted}",
        ),
        "why-more": (
            "the number grows: {got} where it was {wanted}",
            "le nombre croît : {got} au lieu de {wanted}",
        ),
        "why-leaks": (
            "a text of {fields} stands where no text of a request may: {got}",
            "un texte de {fields} figure là où aucun texte de requête n’a sa place : {got}",
        ),
        "why-lacks": (
            "the answer holds what it must not: {got}",
            "la réponse contient ce qu’elle ne doit pas : {got}",
        ),
        "where-message": ("the refusal", "le refus"),
        "where-record": ("the record", "l’enregistrement"),
        "where-log": ("the log line, unescaped", "la ligne du journal, sans échappement"),
        "broken-method": (
            "nobody has described {method}: write a method that the policy allows or denies",
            "personne n’a décrit {method} : citez une méthode que la politique connaît",
        ),
        "broken-agent": (
            "the policy has no agent '{agent}' with a credential",
            "la politique n’a pas d’agent « {agent} » avec un moyen de s’identifier",
        ),
        "broken-request": (
            "the request does not fit {method}: {problem}",
            "la requête ne convient pas à {method} : {problem}",
        ),
        "broken-facts": ("the facts cannot be read: {problem}", "les faits sont illisibles : {problem}"),
        "broken-moment": ("'{text}' is no time", "« {text} » n’est pas une date et heure"),
        "broken-contacts": (
            "contacts are durations such as 2d, 100 at most",
            "contacts contient des durées comme 2d, 100 au plus",
        ),
        "broken-place": ("there is no {place} in the base", "il n’y a pas de {place} dans la base"),
        "broken-answer": ("the answer has no {place}", "la réponse n’a pas de {place}"),
        "broken-upstream": (
            "the model does not answer ({status})",
            "le modèle ne répond pas ({status})",
        ),
        "broken-infers": (
            "{method} asks no model, or not with one request and one reply",
            "{method} n’interroge pas de modèle, ou pas avec une requête et une réponse",
        ),
        "broken-wants-answer": (
            "it asks for a model's answer, and a policy gives a verdict",
            "elle attend la réponse d’un modèle, or une politique rend un verdict",
        ),
        "broken-wants-verdict": (
            "it asks for a verdict, and a model gives an answer",
            "elle attend un verdict, or un modèle donne une réponse",
        ),
    }
)
