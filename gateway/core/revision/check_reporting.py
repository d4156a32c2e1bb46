"""Does what amounts are converted by add up?"""

from fractions import Fraction

from gateway.core.policy.document import Document
from gateway.core.revision.decode import Mistakes


def check_reporting(document: Document, mistakes: Mistakes) -> None:
    """Report rates that are nothing, and one of the reporting currency itself, which is always 1."""
    reporting = document.reporting
    for currency, rate in reporting.rates.items():
        path = ("reporting", "rates", currency)
        if currency == reporting.currency:
            mistakes.add(path, "rate-of-itself", currency=currency)
        elif Fraction(rate) == 0:
            mistakes.add(path, "rate-zero", currency=currency)
