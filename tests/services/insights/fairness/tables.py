"""Tables as tests write them: shares of persons with one decision each."""

from collections.abc import Mapping

from services.insights.fairness.rates import Table
from services.insights.sums import Sums


def one_each(got: float, persons: int) -> Sums:
    """So many of so many persons, with one decision each."""
    return Sums(n=persons, y=got, d=persons, yy=got, dd=persons, yd=got)


def table(
    groups: Mapping[str, tuple[float, int]],
    *,
    measure: str = "offers",
    attribute: str = "gender",
    reference: str | None = None,
) -> Table:
    return Table(
        measure=measure,
        attributes=(attribute,),
        groups={(name,): one_each(*each) for name, each in groups.items()},
        share=True,
        reference=(reference,) if reference else None,
    )
