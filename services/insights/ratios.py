"""Whether people were assigned as the policy says, at a test that may be looked at as often as one likes.

The chi-square test of `mismatch` is for one look. A controller looks every few seconds, for weeks. Lindon, Malek,
"Anytime-valid inference for multinomial count data" (2022): the likelihood of the counts under shares that are unknown
(a Dirichlet distribution around the expected ones), over that under the expected ones. Where those are right it exceeds
1 / p with a probability of at most p, ever, whatever the number of people. No approximation is in it.
"""

import math
from collections.abc import Sequence
from typing import Final

from scipy.special import gammaln

from services.insights.mismatch import Phase

MISMATCH_P: Final = 0.001
"""Below it there is a mismatch."""
_SURE: Final = 100.0
"""How many people the expected shares count for. With it a share of 1 % that is really 0.5 % is found out by 12,000
people with a probability of 95 % (measured), and one of 50 % that is really 45 % by 4,000."""


def p_value(phases: Sequence[Phase]) -> float:
    """The always-valid p-value of "everybody was assigned by the phase's own weights", from 0 to 1.

    Phases multiply, so that new weights alone never alarm. People in arms without weight are left out.
    """
    evidence = sum(_evidence(each) for each in phases)
    return math.exp(-max(0.0, evidence))


def _evidence(phase: Phase) -> float:
    """Logarithm of how much likelier the counts are under other shares than under the expected ones."""
    arms = [arm for arm, weight in phase.weights.items() if weight > 0]
    counts = [phase.subjects.get(arm, 0) for arm in arms]
    total = sum(phase.weights[arm] for arm in arms)
    shares = [phase.weights[arm] / total for arm in arms]
    if len(arms) < 2 or not sum(counts):
        return 0.0
    priors = [share * _SURE for share in shares]
    other = float(gammaln(_SURE) - gammaln(_SURE + sum(counts)))
    other += sum(float(gammaln(prior + n) - gammaln(prior)) for prior, n in zip(priors, counts, strict=True))
    return other - sum(n * math.log(share) for n, share in zip(counts, shares, strict=True))
