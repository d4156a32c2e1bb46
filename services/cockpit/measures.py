"""Which KPIs there are: what each is in, what its revisions are told of, and which decisions show it."""

from typing import Final, Literal

import msgspec

Unit = Literal["share", "points", "money", "contacts", "index"]
CONTACTS: Final = """operation = CONTACT AND verdict = ALLOW
 AND (state = RUNNING OR state = IN_DOUBT OR (status = "OK" AND gave_back != true))""".replace("\n", "")
HELD: Final = "operation = CONTACT AND holdout_checked:*"
REFUSED: Final = 'operation = CONTACT AND verdict = DENY AND reason != "HELD_OUT"'
ASKED: Final = "operation = CONTACT"


class Measure(msgspec.Struct, frozen=True):
    """One KPI."""

    name: str
    unit: Unit
    filter: str
    """The decisions that it is of, without their time and dimension."""
    head: str = ""
    """Which head of a day (`services.cockpit.days`) its revisions are told of; empty for none."""
    goal: Literal["more", "less", ""] = ""
    """What is better."""


MEASURES: Final = (
    Measure("activation_rate", "share", CONTACTS, "active", "more"),
    Measure("conversion_rate", "share", CONTACTS, "converted", "more"),
    Measure("revenue_cents", "money", CONTACTS, "revenue", "more"),
    Measure("revenue_per_customer_cents", "money", CONTACTS, "revenue", "more"),
    Measure("incremental_revenue_cents", "money", HELD, "revenue", "more"),
    Measure("nps", "points", CONTACTS, "scores", "more"),
    Measure("pressure_much_too_much", "share", CONTACTS, "felt", "less"),
    Measure("pressure_a_bit_too_much", "share", CONTACTS, "felt", "less"),
    Measure("pressure_not_solicited", "share", CONTACTS, "felt"),
    Measure("departure_rate", "share", CONTACTS, "left", "less"),
    Measure("blocked_revenue_cents", "money", REFUSED),
    Measure("protected_value_cents", "money", REFUSED),
    Measure("pressure_p50", "contacts", ASKED),
    Measure("pressure_p95", "contacts", ASKED),
    Measure("pressure_gini", "index", ASKED),
    Measure("never_contacted_rate", "share", ASKED, "", "less"),
)
"""Shares are of 1, money is in cents of the reporting currency, points are those of the Net Promoter Score."""
BY_NAME: Final = {each.name: each for each in MEASURES}
BY_PART: Final = (
    "activation_rate",
    "conversion_rate",
    "revenue_cents",
    "incremental_revenue_cents",
    "nps",
    "pressure_much_too_much",
    "departure_rate",
    "blocked_revenue_cents",
    "protected_value_cents",
)
"""Those of the table by agent, channel and so on; of everything all are told."""
