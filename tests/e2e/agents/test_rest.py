"""REST through the front, a real gateway, and what stands behind it."""

import grpc
import httpx
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.watching.exposing import Metering
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import GetContactResponse, UpdateContactRequest
from tests.e2e.agents.conftest import fronting
from tests.e2e.policy import key_of
from tests.e2e.world import World
from tests.fakes.collector import Collector
from tests.fakes.upstream import FakeUpstream, answering, failing

SALES = {"x-api-key": key_of("sales-bot")}
ADA = "contacts/ada-lovelace"


async def test_a_path_becomes_the_call_that_it_is_annotated_for_and_the_answer_json(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    upstream.behave = answering(
        GetContactResponse(contact=Contact(name=ADA, email="ada@example.com")).SerializeToString()
    )

    got = await front.get(f"/v1/{ADA}", headers=SALES)

    assert (got.status_code, got.json()) == (200, {"contact": {"name": ADA, "email": "ada@example.com"}})
    assert got.headers["pilote-decision-id"]
    assert upstream.asked[-1].method == "/pilote.crm.v1.ContactService/GetContact"


async def test_the_body_is_the_field_that_the_annotation_names_and_the_query_says_the_rest(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    query = {"updateMask": "email,lifecycle_stage", "request_id": "r-1"}
    got = await front.patch(f"/v1/{ADA}", params=query, json={"email": "ada@example.com"}, headers=SALES)

    assert got.status_code == 200, got.text
    sent = UpdateContactRequest.FromString(upstream.messages[-1])
    assert sent == UpdateContactRequest(
        contact=Contact(name=ADA, email="ada@example.com"),
        update_mask=FieldMask(paths=["email", "lifecycle_stage"]),
        request_id="r-1",
    )


async def test_a_call_without_credential_is_refused_as_the_gateway_does(front: httpx.AsyncClient) -> None:
    got = await front.get(f"/v1/{ADA}")

    assert got.status_code == 401
    assert got.headers["www-authenticate"].startswith("Bearer")
    assert got.json()["code"] == grpc.StatusCode.UNAUTHENTICATED.value[0]
    assert got.json()["details"][0]["reason"] == "AGENT_UNAUTHENTICATED"


async def test_what_the_system_refuses_is_told_with_its_status(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    upstream.behave = failing(grpc.StatusCode.NOT_FOUND, "no such contact")
    got = await front.get(f"/v1/{ADA}", headers=SALES)
    assert (got.status_code, got.json()["message"]) == (404, "no such contact")


async def test_answers_are_counted_by_method_and_status(world: World, collector: Collector) -> None:
    async with fronting(world, to=Metering(otlp_endpoint=collector.endpoint)) as front:
        for path in (f"/v1/{ADA}", "/v1/contacts:stream", "/v1/nothing/here"):
            await front.get(path, headers=SALES)
    counted = {
        (labels["rpc.method"], labels["http.response.status_code"]): count
        for labels, count in collector.metrics.named("pilote.agents.answers")
    }
    service = "pilote.crm.v1.ContactService"
    assert counted == {(f"{service}/GetContact", 200): 1, (f"{service}/StreamContacts", 200): 1, ("_OTHER", 404): 1}
