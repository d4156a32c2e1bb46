"""Comparisons as the command line shows them: both verdicts beside each other, in words."""

from pilote.vault.v1 import vault_service_pb2 as pb
from services.commands.vault_tables import compared_rows, held_rows, told_beside


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
        naive_chance=0.58,
        within=pb.Within(word="EXPLAINED", ratio=0.98, ratio_low=0.8, ratio_high=1.2, strata=4),
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
        "within segments": "0.98 (0.8 \N{EN DASH} 1.2), explained by segments",
        "four fifths alone": "yes",
        "by chance": "58%",
        "surely unequal": "no",
    }
    french = compared_rows([pb.Week(tenant="acme", comparisons=[one])], language="fr")
    assert "moins de 25 ans & femmes (100)" in french[1]
    assert len(french[0]) == len(french[1])


def test_what_is_held_shows_how_many_and_until_when_and_nobody() -> None:
    head, row = held_rows([pb.Attribute(tenant="acme", attribute="gender", people=3, purpose="p")], language="fr")
    assert dict(zip(head, row, strict=True))["personnes"] == "3"


def test_truths_chance_and_small_groups_are_told_beside() -> None:
    week = pb.Week(
        truths=[pb.Truth(by="outcomes", people=1200), pb.Truth(by="reviews", people=40)],
        naive_false_alarms=0.58,
        false_alarms=0.05,
        small_groups=[pb.SmallGroup(attributes=["gender"], group=["other"], hidden_count=3, count=8)],
    )
    english = list(told_beside(week, language="en"))
    assert "1,200 people" in english[0]
    assert "40 people" in english[1]
    assert "at least 58% of weeks" in english[2]
    assert english[3] == "Too small in 3 of 8 comparisons: others (gender)"
    assert "3 comparaisons sur 8 : autres (genre)" in list(told_beside(week, language="fr"))[3]
