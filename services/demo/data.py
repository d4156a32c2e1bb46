"""Contacts, companies and deals of the demonstration: LeadForge's rows, shaped like a CRM's."""

import re
import zlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from services.leads import Lead, by_contact, leads_of, texts_of, world

SEED: Final = 42
"""The world that the lead score was fitted on; another seed is another world, in which it would guess."""
_US_ZONES: Final = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
_CURRENCIES: Final = {"UK": "GBP", "US": "USD"}
_STAGES: Final = {
    "sql": "DEAL_STAGE_QUALIFICATION",
    "demo_scheduled": "DEAL_STAGE_DISCOVERY",
    "demo_completed": "DEAL_STAGE_DISCOVERY",
    "proposal_sent": "DEAL_STAGE_PROPOSAL",
    "negotiation": "DEAL_STAGE_NEGOTIATION",
    "closed_won": "DEAL_STAGE_WON",
    "closed_lost": "DEAL_STAGE_LOST",
}


class DemoDeal(msgspec.Struct, frozen=True, kw_only=True):
    """One deal, ready to become a `pilote.crm.v1.Deal`."""

    deal_id: str
    title: str
    stage: str
    """Name of a `DealStage`, such as "DEAL_STAGE_PROPOSAL"."""
    amount_cents: int
    """Estimated value for one year, in hundredths of `currency_code`."""
    currency_code: str
    create_time: datetime


class DemoContact(msgspec.Struct, frozen=True, kw_only=True):
    """One contact, ready to become a `pilote.crm.v1.Contact`, with what hangs on it."""

    contact_id: str
    """Last segment of the resource name, such as "cnt_000042"."""
    display_name: str
    email: str
    company: str
    job_title: str
    industry: str
    region: str
    seniority: str
    role_function: str
    language: str
    time_zone: str
    deals: tuple[DemoDeal, ...]
    activities_count: int
    """Sales activities of all the contact's leads."""
    texts: Mapping[str, str]
    """BYTES inputs of the lead-score model. What is unknown of a contact without a lead is the empty text."""
    counts: Mapping[str, int]
    """INT64 inputs of the lead-score model; empty for a contact without a lead."""


def contacts(count: int) -> tuple[DemoContact, ...]:
    """The first `count` contacts; the same on every run for the same `count`. Needs the extra `demo`."""
    bundle = world(seed=SEED, accounts=max(1, count // 3), contacts=count, leads=count)
    accounts = {row.account_id: row for row in bundle.population.accounts}
    leads = by_contact(leads_of(bundle))
    opportunities = {row.lead_id: row for row in bundle.simulation_result.opportunities}
    activities = Counter(row.lead_id for row in bundle.simulation_result.sales_activities)
    return tuple(
        _contact(
            row,
            accounts[row.account_id],
            leads=leads.get(row.contact_id, ()),
            opportunities=opportunities,
            activities=activities,
        )
        for row in bundle.population.contacts
    )


def _contact(
    row: Any, account: Any, *, leads: tuple[Lead, ...], opportunities: Mapping[str, Any], activities: Counter[str]
) -> DemoContact:
    first = leads[0] if leads else None
    deals = tuple(_deal(opportunities[lead.lead_id], account) for lead in leads if lead.lead_id in opportunities)
    return DemoContact(
        contact_id=row.contact_id,
        display_name=f"{row.job_title}, {account.company_name}",
        email=f"{_slug(row.job_title)}.{row.contact_id.removeprefix('cnt_')}@{_slug(account.company_name)}.example",
        company=account.company_name,
        job_title=row.job_title,
        industry=account.industry,
        region=account.region,
        seniority=row.seniority,
        role_function=row.role_function,
        language="en-GB" if account.region == "UK" else "en-US",
        time_zone=time_zone(account),
        deals=deals,
        activities_count=sum(activities[lead.lead_id] for lead in leads),
        texts=first.texts if first else texts_of(row, account, lead=None),
        counts=first.counts if first else {},
    )


def _deal(row: Any, account: Any) -> DemoDeal:
    return DemoDeal(
        deal_id=row.opportunity_id,
        title=f"Procurement suite for {account.company_name}",
        stage=_STAGES[row.stage],
        amount_cents=row.estimated_acv * 100,
        currency_code=_CURRENCIES[account.region],
        create_time=datetime.fromisoformat(row.created_at).replace(tzinfo=UTC),
    )


def time_zone(account: Any) -> str:
    """IANA name of the zone that the contacts of a company live in."""
    if account.region == "UK":
        return "Europe/London"
    # By company, because colleagues mostly live in one zone; crc32, because `hash` differs from run to run.
    return _US_ZONES[zlib.crc32(account.account_id.encode()) % len(_US_ZONES)]


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
