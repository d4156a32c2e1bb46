"""LeadForge's leads with what was known of them after four weeks: what the lead score is fitted on and shown with.

Neither the models nor the demonstration owns these rows, and they may not differ between the two.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import msgspec

RECIPE: Final = "b2b_saas_procurement_v1"
DIFFICULTY: Final = "intro"
"""The package's default, "intermediate", ties no visible field to conversion: its best score tells nobody apart."""
OBSERVED_DAYS: Final = 28
"""Events later than this after the lead came in are not looked at; a score must not know the future."""


class Lead(msgspec.Struct, frozen=True, kw_only=True):
    """One lead of one contact."""

    lead_id: str
    contact_id: str
    account_id: str
    texts: Mapping[str, str]
    """Features that are words: seniority, role_function, industry, region, lead_source and so on."""
    counts: Mapping[str, int]
    """Features that count what happened in the first 28 days: touches, sessions, sales_activities and so on."""
    converted: bool
    """Whether it became a customer within 90 days."""
    scorable: bool
    """Whether it had not become a customer within the first 28 days: before that there is nothing to score."""


def world(*, seed: int, accounts: int, contacts: int, leads: int) -> Any:
    """The bundle that LeadForge generates; the same for the same arguments. Needs the extra `demo`."""
    from leadforge.api.generator import Generator

    return Generator.from_recipe(
        RECIPE, seed=seed, difficulty=DIFFICULTY, n_accounts=accounts, n_contacts=contacts, n_leads=leads
    ).generate()


def leads_of(bundle: Any) -> tuple[Lead, ...]:
    """The leads of a bundle, in its order."""
    accounts = {row.account_id: row for row in bundle.population.accounts}
    contacts = {row.contact_id: row for row in bundle.population.contacts}
    result = bundle.simulation_result
    came_in = {row.lead_id: _day(row.lead_created_at) for row in result.leads}
    counts = {
        "touches": _early(result.touches, "touch_timestamp", came_in=came_in),
        "sessions": _early(result.sessions, "session_timestamp", came_in=came_in),
        "sales_activities": _early(result.sales_activities, "activity_timestamp", came_in=came_in),
        "pricing_page_views": _early(
            result.sessions, "session_timestamp", came_in=came_in, weight="pricing_page_views"
        ),
    }
    return tuple(
        Lead(
            lead_id=row.lead_id,
            contact_id=row.contact_id,
            account_id=row.account_id,
            texts=texts_of(contacts[row.contact_id], accounts[row.account_id], lead=row),
            counts={name: each[row.lead_id] for name, each in counts.items()},
            converted=row.converted_within_90_days,
            scorable=not row.conversion_timestamp
            or _day(row.conversion_timestamp) - came_in[row.lead_id] >= OBSERVED_DAYS,
        )
        for row in result.leads
    )


def by_contact(leads: Iterable[Lead]) -> Mapping[str, tuple[Lead, ...]]:
    """The leads of each contact, in their order."""
    found: dict[str, list[Lead]] = defaultdict(list)
    for lead in leads:
        found[lead.contact_id].append(lead)
    return {contact_id: tuple(each) for contact_id, each in found.items()}


def texts_of(contact: Any, account: Any, *, lead: Any | None) -> Mapping[str, str]:
    """The features that are words; those of the lead are empty where there is none."""
    return {
        "seniority": contact.seniority,
        "role_function": contact.role_function,
        "industry": account.industry,
        "region": account.region,
        "lead_source": lead.lead_source if lead else "",
        "first_touch_channel": lead.first_touch_channel if lead else "",
        "estimated_revenue_band": account.estimated_revenue_band,
        "employee_band": account.employee_band,
        "process_maturity_band": account.process_maturity_band,
        "email_domain_type": contact.email_domain_type,
    }


def _early(rows: Iterable[Any], time: str, *, came_in: Mapping[str, int], weight: str = "") -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        if 0 <= _day(getattr(row, time)) - came_in[row.lead_id] < OBSERVED_DAYS:
            found[row.lead_id] += getattr(row, weight) if weight else 1
    return found


def _day(iso_date: str) -> int:
    return date.fromisoformat(iso_date[:10]).toordinal()
