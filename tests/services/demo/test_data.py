"""The demonstration's rows fit the CRM and the model they are shown with."""

import zoneinfo
from pathlib import Path

import grpc

from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from pilote.crm.v1.deal_pb2 import Deal, DealStage
from pilote.crm.v1.deal_service_pb2 import CreateDealRequest
from pilote.crm.v1.deal_service_pb2_grpc import DealServiceStub
from services.crm.server import running
from services.demo.data import contacts
from services.models.scoring import Batch, feature_types, load


def test_the_same_rows_come_every_time() -> None:
    assert contacts(50) == contacts(50)


def test_every_contact_is_somebody_and_nobody_real() -> None:
    rows = contacts(200)
    assert len(rows) == len({row.contact_id for row in rows}) == len({row.email for row in rows}) == 200
    assert all(row.email.endswith(".example") for row in rows)
    assert {row.time_zone for row in rows} <= zoneinfo.available_timezones()
    assert len({row.time_zone for row in rows}) > 3
    assert {row.region for row in rows} == {"UK", "US"}
    assert any(row.deals for row in rows)


def test_colleagues_live_in_one_time_zone() -> None:
    zones: dict[str, set[str]] = {}
    for row in contacts(200):
        zones.setdefault(row.company, set()).add(row.time_zone)
    assert all(len(found) == 1 for found in zones.values())


async def test_the_crm_takes_every_contact_and_deal(tmp_path: Path) -> None:
    async with (
        running(listen="127.0.0.1:0", home=tmp_path, drain_seconds=1) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        for row in contacts(30):
            contact = Contact(
                display_name=row.display_name,
                email=row.email,
                company=row.company,
                job_title=row.job_title,
                industry=row.industry,
                region=row.region,
                seniority=row.seniority,
                role_function=row.role_function,
                language=row.language,
                time_zone=row.time_zone,
            )
            request = CreateContactRequest(contact=contact, contact_id=row.contact_id)
            created = (await ContactServiceStub(channel).CreateContact(request)).contact
            for deal in row.deals:
                wanted = Deal(
                    contact=created.name,
                    title=deal.title,
                    stage=DealStage.Value(deal.stage),
                    amount_cents=deal.amount_cents,
                    currency_code=deal.currency_code,
                )
                await DealServiceStub(channel).CreateDeal(CreateDealRequest(deal=wanted, deal_id=deal.deal_id))


def test_the_model_takes_every_contact() -> None:
    rows = contacts(50)
    types = feature_types()
    for row in rows:
        assert set(types) == {*row.texts, *row.counts} or not row.counts
        words = {name: (word,) for name, word in row.texts.items()}
        counts = {name: (count,) for name, count in row.counts.items()}
        assert all(0 < load(version).scores(Batch(1, words, counts))[0] < 1 for version in ("1", "2"))
