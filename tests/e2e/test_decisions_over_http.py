"""People look for decisions over HTTP, and see what the audit service says, mistakes included."""

import asyncio
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
import requests

from gateway.core.record import Verdict
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.commands.export_reading import verify
from services.control.access.asking import header, to_sign
from services.proof.verifying import Trust
from tests.e2e.office import Office, opened
from tests.e2e.policy import policy
from tests.e2e.waiting import eventually
from tests.e2e.world import World, auditing
from tests.fakes.upstream import FakeUpstream
from tests.services.audit.conftest import a_record, a_settlement, admit, an_id, settle
from tests.signatures import PEOPLE, signer

DENIED: dict[str, Any] = {"verdict": Verdict.DENY, "rule": "quiet_hours", "reason": "QUIET_HOURS", "expires_ms": 0}
NIGHT: dict[str, Any] = {"name": "views/night", "title": "At night", "filter": 'rule:"quiet_hours"'}


@pytest.fixture
async def office(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Office]:
    """A control plane with three decisions to look at."""
    await empty_world.record_by_hand(
        *(admit(a_record(0)), settle(a_settlement(0, total_us=250_000)), admit(a_record(1, agent="support-bot"))),
        admit(a_record(60_000, **DENIED)),
    )
    async with (
        auditing(empty_world.redis_url, tmp_path) as auditor,
        opened(empty_world, policy(upstream.address, people=PEOPLE), audit=auditor.address) as office,
    ):

        async def stored() -> bool | None:
            return len(await auditor.listed()) == 3 or None

        await eventually(stored, what="three decisions")
        yield office


async def _get(office: Office, target: str, **asked: Any) -> tuple[int, Any]:
    query = "&".join(f"{name}={quote(str(value))}" for name, value in asked.items())
    return await office["ada"].ask("GET", f"{target}?{query}" if query else target)


async def test_decisions_are_found_ordered_and_paged(office: Office) -> None:
    status, found = await _get(office, "/v1/decisions", filter='rule:"quiet_hours" verdict = DENY')
    assert (status, [each["name"] for each in found["decisions"]]) == (200, [f"decisions/{an_id(60_000)}"])
    assert (found["decisions"][0]["verdict"], found["decisions"][0]["state"]) == (
        *("VERDICT_DENY", "DECISION_STATE_SETTLED"),
    )
    _, first = await _get(office, "/v1/decisions", orderBy="latency desc", pageSize=2)
    _, second = await _get(
        office, "/v1/decisions", orderBy="latency desc", pageSize=2, pageToken=first["nextPageToken"]
    )
    shown = [each["name"] for each in (*first["decisions"], *second["decisions"])]
    assert shown == [f"decisions/{an_id(number)}" for number in (0, 60_000, 1)]
    assert first["decisions"][0]["totalDuration"] == "0.250s"
    assert "totalSize" not in first
    _, counted = await _get(office, "/v1/decisions", filter="verdict = ALLOW", pageSize=1, countTotal="true")
    assert (len(counted["decisions"]), counted["totalSize"]) == (1, "2")


async def test_one_decision_is_shown_and_explained(office: Office) -> None:
    status, shown = await _get(office, f"/v1/decisions/{an_id(0)}")
    assert (status, shown["decision"]["agent"]) == (200, "sales-bot")
    status, told = await office["bob"].ask("GET", f"/v1/decisions/{an_id(60_000)}/explanation", lang="fr")
    assert status == 200
    assert told
    status, absent = await _get(office, f"/v1/decisions/{an_id(7)}")
    assert (status, absent["reason"]) == (404, "NOT_FOUND")


async def test_decisions_are_counted_by_fields_and_by_time(office: Office) -> None:
    status, facets = await office["ada"].ask("GET", "/v1/decisions:facets?fields=verdict&fields=agent&topSize=1")
    assert (status, facets["totalCount"]) == (200, "3")
    assert facets["facets"] == [
        {"field": "verdict", "values": [{"value": "ALLOW", "count": "2"}], "moreValues": "1", "moreCount": "1"},
        {"field": "agent", "values": [{"value": "sales-bot", "count": "2"}], "moreValues": "1", "moreCount": "1"},
    ]
    status, chart = await _get(office, "/v1/decisions:histogram", filter="verdict:*", bucketWidth="30s")
    assert (status, [each["count"] for each in chart["buckets"]]) == (200, ["2", "0", "1"])
    assert (chart["bucketWidth"], chart["buckets"][0]["startTime"]) == ("30s", "2026-11-24T10:00:00Z")


@pytest.mark.parametrize(
    ("target", "reason", "mistake"),
    [
        ("/v1/decisions?filter=agnt%20%3D%20x", "ARGUMENT_INVALID", {"path": "filter", "line": 1, "column": 1}),
        ("/v1/decisions?orderBy=latence", "ARGUMENT_INVALID", {"path": "order_by"}),
        ("/v1/decisions?pageToken=x", "ARGUMENT_INVALID", {"path": "page_token"}),
        ("/v1/decisions/xyz", "ARGUMENT_INVALID", {"path": "name"}),
        ("/v1/decisions:facets?fields=verdit", "ARGUMENT_INVALID", {"path": "fields[0]"}),
        ("/v1/decisions:histogram?startTime=yesterday", "ARGUMENT_INVALID", {"path": "startTime"}),
        ("/v1/decisions:histogram?bucketWidth=1", "ARGUMENT_INVALID", {"path": "bucketWidth"}),
        ("/v1/decisions:tail?filter=a%20AND", "ARGUMENT_INVALID", {"path": "filter", "line": 1, "column": 6}),
    ],
)
async def test_a_mistake_is_told_with_its_place(
    office: Office, target: str, reason: str, mistake: dict[str, Any]
) -> None:
    status, problem = await office["ada"].ask("GET", target)
    assert (status, problem["reason"]) == (400, reason)
    (told,) = problem["mistakes"]
    assert told | mistake == told
    assert told["problem"]


async def test_a_mistake_is_told_in_french(office: Office) -> None:
    _, problem = await office["ada"].ask("GET", "/v1/decisions?filter=agnt%20%3D%20x", lang="fr")
    assert problem["detail"].endswith("Il n’y a pas de champ agnt. Vouliez-vous dire agent ?")
    assert problem["mistakes"][0]["problem"] == problem["detail"]


@pytest.mark.parametrize("target", ["/v1/decisions", "/v1/decisions:facets", "/v1/decisions:tail", "/v1/views"])
async def test_nobody_sees_anything_without_a_signature_of_their_own(office: Office, target: str) -> None:
    answer = await asyncio.to_thread(requests.get, f"{office.url}{target}", timeout=10)
    assert (answer.status_code, answer.json()["reason"]) == (401, "PERSON_UNAUTHENTICATED")
    status, problem = await office["ada"].ask("GET", target, signing="/v1/decisions?filter=other")
    assert (status, problem["reason"]) == (401, "PERSON_UNAUTHENTICATED")
    status, problem = await office["mallory"].ask("GET", target)
    assert (status, problem["reason"]) == (401, "PERSON_UNAUTHENTICATED")


async def test_decisions_are_followed_as_they_are_stored(office: Office, empty_world: World) -> None:
    stream = await asyncio.to_thread(_stream, office, "/v1/decisions:tail?filter=verdict%20%3D%20DENY")
    events = _events(stream)
    await empty_world.record_by_hand(admit(a_record(70_000)), admit(a_record(70_001, **DENIED)))
    event, name, data = await asyncio.wait_for(asyncio.to_thread(next, events), 10)
    stream.close()
    assert (event, name, json.loads(data)["rule"]) == ("decision", f"decisions/{an_id(70_001)}", "quiet_hours")


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
async def test_an_export_over_http_proves_itself(office: Office, tmp_path: Path, form: str) -> None:
    key = log_signer(tmp_path / KEY_FILE).key
    target = f"/v1/decisions:export?filter=verdict%20%3D%20ALLOW&format={form}&proofs=true"
    answer = await asyncio.to_thread(_signed, office, target)
    assert "attachment" in answer.headers["content-disposition"]
    file = tmp_path / f"decisions.{form}"
    if form == "csv":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            archive.extractall(tmp_path)
    else:
        file.write_bytes(answer.content)
    report = verify(file, Trust(key))
    assert report.problems == ()
    assert report.manifest is not None
    assert (report.manifest.rows, report.manifest.head.query) == (2, "verdict = ALLOW")


async def test_an_export_that_cannot_be_made_says_why(office: Office) -> None:
    status, problem = await office["ada"].ask("GET", "/v1/decisions:export?format=xls")
    assert (status, problem["mistakes"][0]["path"]) == (400, "format")
    status, problem = await office["ada"].ask("GET", "/v1/decisions:export?format=parquet&filter=a%20AND")
    assert (status, problem["mistakes"][0]["column"]) == (400, 6)
    assert (await asyncio.to_thread(requests.get, f"{office.url}/v1/decisions:export", timeout=10)).status_code == 401


def _signed(office: Office, target: str) -> requests.Response:
    created = time.time_ns() // 1_000_000
    signature = signer("ada").sign(to_sign("GET", target, b"", created_ms=created))
    headers = {"authorization": header("ada", signature, created_ms=created)}
    return requests.get(f"{office.url}{target}", headers=headers, timeout=30)


def _stream(office: Office, target: str) -> requests.Response:
    created = time.time_ns() // 1_000_000
    signature = signer("ada").sign(to_sign("GET", target, b"", created_ms=created))
    headers = {"authorization": header("ada", signature, created_ms=created)}
    answer = requests.get(f"{office.url}{target}", headers=headers, stream=True, timeout=10)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer


def _events(stream: requests.Response) -> Iterator[tuple[str, str, str]]:
    fields: dict[str, str] = {}
    for raw in stream.iter_lines(chunk_size=1):
        line = raw.decode()
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:  # the two signs of a line's end may come apart
            yield fields["event"], fields.get("id", ""), fields["data"]
            fields = {}


async def test_a_stream_ends_when_the_control_plane_stops(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    data = policy(upstream.address, people=PEOPLE)
    async with auditing(empty_world.redis_url, tmp_path) as auditor:
        async with opened(empty_world, data, audit=auditor.address, drain_seconds=60) as office:
            stream = await asyncio.to_thread(_stream, office, "/v1/decisions:tail")
        # Not after a minute: the streams are ended before the server waits for its connections.
        assert await asyncio.wait_for(asyncio.to_thread(next, _events(stream), None), 10) is None


async def test_whatever_is_asked_is_answered_or_refused_in_one_shape(office: Office) -> None:
    random = Random(7)  # noqa: S311
    words = ("agent", "=", "x", '"', "(", ")", "AND", "OR", "-", "latency", ">", "1h", "*", "é", "\x00", "%", "since(")
    names = ("filter", "orderBy", "pageSize", "pageToken", "fields", "topSize", "startTime", "endTime", "bucketWidth")
    targets = ("/v1/decisions", "/v1/decisions:facets", "/v1/decisions:histogram", "/v1/decisions/x", "/v1/views")
    for _ in range(120):
        asked = [
            f"{random.choice(names)}={quote(' '.join(random.choices(words, k=random.randint(0, 6))))}"
            for _ in range(random.randint(0, 3))
        ]
        target = "?".join([random.choice(targets), *(["&".join(asked)] if asked else [])])
        status, answer = await office["ada"].ask("GET", target)
        assert status in {200, 400}, (asked, answer)
        assert status == 200 or answer["reason"], asked


async def test_a_person_saves_changes_and_deletes_a_view(office: Office) -> None:
    status, made = await office["ada"].ask("POST", "/v1/views", NIGHT | {"owner": "bob"})
    assert (status, made["view"]["owner"], made["view"]["filter"]) == (200, "ada", NIGHT["filter"])
    status, taken = await office["bob"].ask("POST", "/v1/views", NIGHT)
    assert (status, taken["reason"]) == (409, "ALREADY_EXISTS")
    status, changed = await office["bob"].ask(
        "PUT", "/v1/views/night", NIGHT | {"title": "Nights", "columns": ["agent"]}
    )
    assert (status, changed["view"]["title"], changed["view"]["owner"]) == (200, "Nights", "ada")
    status, stale = await office["ada"].ask("PUT", "/v1/views/night", NIGHT | {"etag": made["view"]["etag"]})
    assert (status, stale["reason"]) == (409, "CONFLICT")
    status, wrong = await office["ada"].ask("POST", "/v1/views", NIGHT | {"name": "views/x", "filter": "agnt = x"})
    assert (status, wrong["mistakes"][0]["column"]) == (400, 1)
    status, unread = await office["ada"].ask("POST", "/v1/views", ["night"])
    assert (status, unread["reason"]) == (400, "ARGUMENT_INVALID")
    _, listed = await _get(office, "/v1/views")
    assert [view["name"] for view in listed["views"]] == ["views/night"]
    status, _ = await office["ada"].ask("DELETE", f"/v1/views/night?etag={changed['view']['etag']}")
    assert status == 200
    assert (await _get(office, "/v1/views/night"))[0] == 404


async def test_without_the_audit_service_people_are_told_to_retry(empty_world: World, upstream: FakeUpstream) -> None:
    async with opened(empty_world, policy(upstream.address, people=PEOPLE), audit="127.0.0.1:1") as office:
        for target in ("/v1/decisions", "/v1/decisions:tail", "/v1/views"):
            status, problem = await office["ada"].ask("GET", target, lang="fr")
            assert (status, problem["reason"]) == (503, "STORE_UNAVAILABLE")
            assert problem["detail"] == "Le service d’audit ne répond pas pour l’instant ; réessayez."


def _meant(described: Any, part: Any) -> Any:
    """A part of a description, or what it refers to."""
    while "$ref" in part:
        name = part["$ref"].removeprefix("#/").split("/")
        part = described
        for each in name:
            part = part[each]
    return part


async def test_the_description_of_the_interface_says_what_is_asked_and_answered(office: Office) -> None:
    found = await asyncio.to_thread(requests.get, f"{office.url}/schema/openapi.json", timeout=10)
    described = json.loads(found.text)
    paths = described["paths"]
    assert described["components"]["securitySchemes"]["person"]["name"] == "authorization"
    assert {"person": []} in paths["/v1/views"]["post"]["security"]
    listing = paths["/v1/decisions"]["get"]
    wanted = ["filter", "orderBy", "pageSize", "pageToken", "countTotal"]
    assert [each["name"] for each in listing["parameters"]] == wanted
    answer = listing["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert answer["decisions"]["items"]["properties"]["verdict"]["enum"][1] == "VERDICT_ALLOW"
    problem = _meant(described, listing["responses"]["400"])["content"]["application/problem+json"]["schema"]
    assert {"reason", "detail", "mistakes"} <= set(_meant(described, problem)["properties"])
    assert {
        "/v1/decisions/{decision}",
        "/v1/decisions/{decision}/explanation",
        "/v1/decisions:facets",
        "/v1/decisions:histogram",
        "/v1/decisions:tail",
        "/v1/decisions:export",
        "/v1/views",
        "/v1/views/{view}",
    } <= set(paths)
    body = paths["/v1/views"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) >= {"name", "title", "filter", "orderBy", "columns", "etag"}
    assert "text/event-stream" in paths["/v1/decisions:tail"]["get"]["responses"]["200"]["content"]
