"""Mistakes of experiments and rollouts: what it is and how to mend it, each in English and French."""

from typing import Final

_HINT: Final = ("{hint}", "{hint}")
TEXTS: Final = {
    "experiment-weights": (
        (
            "the weights of the experiment '{name}' add up to {total}",
            "la somme des poids de l’expérience « {name} » est {total}",
        ),
        (
            "make them add up to {whole} basis points (100 %)",
            "faites en sorte que leur somme soit {whole} points de base (100 %)",
        ),
    ),
    "variation-twice": (
        (
            "the experiment '{name}' has two variations '{variation}'",
            "l’expérience « {name} » a deux variantes « {variation} »",
        ),
        ("choose another name", "choisissez un autre nom"),
    ),
    "variation-without-route": (
        (
            "the variation '{variation}' names an arm, but the experiment names no route",
            "la variante « {variation} » désigne un bras, mais l’expérience ne désigne aucune route",
        ),
        ("name the route in `route`", "indiquez la route dans `route`"),
    ),
    "experiment-without-slot": (
        (
            "the experiment '{name}' has no slot of its layer: {first} is not below {last}",
            "l’expérience « {name} » n’a aucune place dans sa couche : {first} n’est pas inférieur à {last}",
        ),
        ("give it a `first` below its `last`", "donnez-lui un `first` inférieur à son `last`"),
    ),
    "slots-shared": (
        (
            "the experiments '{one}' and '{two}' share slots of the layer '{layer}'",
            "les expériences « {one} » et « {two} » partagent des places de la couche « {layer} »",
        ),
        (
            "part the slots by `first` and `last`, or stop one of them",
            "séparez les places par `first` et `last`, ou arrêtez l’une des deux",
        ),
    ),
    "layer-of-two-units": (
        (
            "the layer '{layer}' parts subjects for '{subjects}' and sessions for '{sessions}'",
            "la couche « {layer} » répartit des personnes pour « {subjects} » et des sessions pour « {sessions} »",
        ),
        ("give them layers of their own", "donnez à chacune sa propre couche"),
    ),
    "experiments-choose-both": (
        (
            "the experiments '{one}' and '{two}' may both choose the arm of one call",
            "les expériences « {one} » et « {two} » pourraient toutes deux choisir le bras d’un même appel",
        ),
        (
            "put both into one `layer` with slots of their own, or stop one of them",
            "placez-les dans une même `layer`, chacune avec ses places, ou arrêtez l’une des deux",
        ),
    ),
    "experiment-chooses-too": (
        (
            "the running experiment '{name}' chooses arms of the route '{route}' too",
            "l’expérience en cours « {name} » choisit elle aussi des bras de la route « {route} »",
        ),
        ("stop the experiment first, or remove the rollout", "arrêtez d’abord l’expérience, ou retirez le déploiement"),
    ),
    "seed-shared": (
        (
            "the experiment '{name}' has the seed of {kind} '{other}', so they assign alike",
            "l’expérience « {name} » a la graine {kind} « {other} » : ils répartissent de la même façon",
        ),
        ("give it a `seed` of its own, or another name", "donnez-lui sa propre `seed`, ou un autre nom"),
    ),
    "rollout-too-long": (
        ("the rollout '{name}' has {count} steps", "le déploiement « {name} » compte {count} pas"),
        ("list at most {most}", "indiquez-en au plus {most}"),
    ),
    "rollout-without-step": (
        ("the rollout '{name}' has no step", "le déploiement « {name} » n’a aucun pas"),
        ("list at least one share", "indiquez au moins une part"),
    ),
    "rollout-step-unknown": (
        (
            "the rollout '{name}' has no step {step}: steps are counted from 0",
            "le déploiement « {name} » n’a pas de pas {step} : les pas se comptent à partir de 0",
        ),
        ("write a number of 0 to {last}", "écrivez un nombre de 0 à {last}"),
    ),
    "rollout-share-not-above": (
        (
            "the share {share} is not above the step's before, {before}",
            "la part {share} n’est pas supérieure à celle du pas précédent, {before}",
        ),
        ("let each step serve more than the one before", "faites croître la part à chaque pas"),
    ),
    "rollout-against-itself": (
        (
            "the rollout '{name}' compares the arm '{arm}' with itself",
            "le déploiement « {name} » compare le bras « {arm} » à lui-même",
        ),
        ("name the arm that serves the others", "désignez le bras qui sert les autres appels"),
    ),
    "rollout-arm-weighs": (
        (
            "the arm '{arm}' has a weight, so it serves more than the rollout's share",
            "le bras « {arm} » a un poids : il sert plus que la part du déploiement",
        ),
        ("give it the weight 0 in the route '{route}'", "donnez-lui le poids 0 dans la route « {route} »"),
    ),
    "rollout-against-nobody": (
        (
            "the arm '{arm}' has no weight, so it serves nobody to compare with",
            "le bras « {arm} » n’a pas de poids : il ne sert personne à qui comparer",
        ),
        ("name an arm that has some", "désignez un bras qui en a un"),
    ),
    "rollouts-of-one-route": (
        (
            "the rollouts '{one}' and '{two}' both serve the route '{route}'",
            "les déploiements « {one} » et « {two} » servent tous deux la route « {route} »",
        ),
        (
            "let one end first; of one that is completed, write its arm into the route's weights and remove it",
            "attendez la fin de l’un ; si l’un est achevé, inscrivez son bras dans les poids de la route et retirez-le",
        ),
    ),
    "margin-of-share": (
        (
            "{measure} is a share of 0 to 1, so nothing is worse by {margin}",
            "{measure} est une part entre 0 et 1 : rien n’est pire de {margin}",
        ),
        ("write per cent as a share: {share}", "écrivez les pour cent comme une part : {share}"),
    ),
    "sample-too-small": (
        (
            "the step asks for {sample} people, and of fewer than {least} nothing is proven",
            "le pas demande {sample} personnes ; à moins de {least}, rien n’est prouvé",
        ),
        ("write at least {least}", "écrivez au moins {least}"),
    ),
    "budget-unknown": (
        (
            "no limit '{name}' counts what calls cost",
            "aucune limite « {name} » ne compte le coût des appels",
        ),
        _HINT,
    ),
}
