"""In which currency amounts are reported, and what others are worth in it."""

from typing import Annotated

import msgspec

from gateway.core.policy.vocabulary import Part

Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
Rate = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,9})?\Z")]
"""A decimal number as a text, so that nobody reads it as a fraction of two: "0.92"."""


class Reporting(Part, frozen=True, kw_only=True):
    """The one currency that KPIs are told in. What has no rate is counted apart, and said to be."""

    currency: Currency = "EUR"
    rates: dict[Currency, Rate] = {}
    """What one unit of another currency is worth in it, such as USD: "0.92"."""

    def __hash__(self) -> int:
        """Of its values: what describes the interface over HTTP asks for that of a default."""
        return hash((self.currency, *sorted(self.rates.items())))
