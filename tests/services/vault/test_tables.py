"""Comparisons as the command line shows them: both verdicts beside each other, in words."""

from pilote.vault.v1 import vault_service_pb2 as pb
from services.commands.vault_tables import compared_rows, held_rows


def test_a_comparison_shows_rates_ratio_interval_and_both_verdicts() -> None:
    one = pb.Comparison(
        agent="sales-bot",
        measure="offers",
        attributes=("age", "gender"),
        group=("under-25", "female"),
        reference=("25-39", "male"),
        persons=100,
        reference_persons=120,
        rate=0.1,
        rate_low=0.05,
        rate_high=0.18,
        reference_rate=0.2,
        reference_rate_low=0.13,
        reference_rate_high=0.28,
        ratio=0.5,
        ratio_low=0.2,
        ratio_high=1.1,
        level=0.99,
        share=True,
        benefit=True,
        naive=True,
    )
    head, row = compared_rows([pb.Week(tenant="acme", comparisons=[one])], language="en")
    assert dict(zip(head, row, strict=True)) == {
        "tenant": "acme",
        "agent": "sales-bot",
        "version": "",
        "measure": "offers",
        "attribute": "age & gender",
        "group": "under 25 & women (100)",
        "rate": "10% (5% \N{EN DASH} 18%)",
        "held against": "25 to 39 & men (120)",
        "its rate": "20% (13% \N{EN DASH} 28%)",
        "ratio": "0.5",
        "interval": "0.2 \N{EN DASH} 1.1",
        "four fifths alone": "yes",
        "surely unequal": "no",
    }
    french = compared_rows([pb.Week(tenant="acme", comparisons=[one])], language="fr")
    assert "moins de 25 ans & femmes (100)" in french[1]
    assert len(french[0]) == len(french[1])


def test_what_is_held_shows_how_many_and_until_when_and_nobody() -> None:
    head, row = held_rows([pb.Attribute(tenant="acme", attribute="gender", people=3, purpose="p")], language="fr")
    assert dict(zip(head, row, strict=True))["personnes"] == "3"
