"""People look after findings over HTTP: who may, what becomes of it, and what the log says of that."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.adapters.webhooks import Endpoint, Webhooks
from pilote.audit.v1.personal_pb2 import ListNotesRequest
from services.control.access.rights import Role
from services.findings.finding import Finding, Seen, State
from services.findings.store import FindingStore
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import send
from tests.e2e.steering import Steering, steering
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.services.findings.test_finding import HOUR_MS, seen

pytestmark = pytest.mark.one_store
LATER = "2030-01-31T08:00:00Z"
ALL = {"*": [Role.OFFICER]}


@pytest.fixture
async def people(world: World, upstream: FakeUpstream, auditor: Auditor) -> AsyncIterator[Steering]:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    async with steering(world, audit=auditor.address) as found:
        yield found


async def kept(world: World, *more: Seen) -> Finding:
    """A drift that was found, and more."""
    return (await FindingStore(world.redis).see([seen(), *more], now_ms=world.clock()))[0]


def slight(tenant: str = "acme", about: tuple[tuple[str, str], ...] = (("agent", "b"),)) -> Seen:
    return seen(tenant=tenant, size=0.1, kind="novelty", about=about)


async def test_the_gravest_come_first_and_each_is_found_by_its_state_kind_and_owner(
    people: Steering, world: World
) -> None:
    finding = await kept(world, slight(), slight("globex"))
    everywhere = {"*": [Role.MODERATOR]}
    _, told = await people.ask("GET", "/v1/findings", roles=everywhere)
    assert [each["kind"] for each in told["findings"]] == ["drift", "novelty", "novelty"]
    assert told["findings"][0]["name"] == f"findings/acme/{finding.id}"
    assert (told["findings"][0]["grade"], told["findings"][0]["reach"]) == ("CRITICAL", 50_000)
    _, first = await people.ask("GET", "/v1/findings?pageSize=2", roles=everywhere)
    token = first["nextPageToken"]
    _, rest = await people.ask("GET", f"/v1/findings?pageSize=2&pageToken={token}", roles=everywhere)
    assert [len(first["findings"]), len(rest["findings"])] == [2, 1]
    for asked, count in (("kind=novelty", 1), ("owner=zoe", 0), ("state=RESOLVED", 0), ("state=ALL", 2), ("", 2)):
        assert len((await people.ask("GET", f"/v1/findings?{asked}"))[1]["findings"]) == count, asked
    assert (await people.ask("GET", "/v1/findings?state=LOST"))[0] == 400


async def test_somebody_takes_it_on_and_closes_it_and_the_log_says_so(
    people: Steering, world: World, auditor: Auditor
) -> None:
    finding = await kept(world)
    path = f"/v1/findings/acme/{finding.id}"
    _, before = await people.ask("GET", path)
    await FindingStore(world.redis).see([seen(1)], now_ms=world.clock())  # which is no conflict
    _, taken = await people.ask("POST", f"{path}:change", {"state": "ACCEPTED"}, if_match=before["etag"])
    assert (taken["state"], taken["owner"], taken["closeTime"]) == ("ACCEPTED", "zoe", None)
    status, late = await people.ask("POST", f"{path}:change", {"state": "DISMISSED"}, if_match=before["etag"])
    assert (status, late["reason"]) == (412, "FINDING_CHANGED")
    await people.ask("POST", f"{path}:comment", {"text": "it began with version 2"})
    change = {"state": "RESOLVED", "dueTime": LATER, "text": "rolled back"}
    _, done = await people.ask("POST", f"{path}:change", change, if_match="*")
    assert [(each["by"], each["what"], each["text"]) for each in done["comments"]] == [
        ("zoe", "state=ACCEPTED owner=zoe", ""),
        ("zoe", "", "it began with version 2"),
        ("zoe", "state=RESOLVED due=2030-01-31", "rolled back"),
    ]
    assert done["dueTime"] == LATER
    assert (await people.ask("GET", "/v1/findings"))[1]["findings"] == []

    notes = (
        await auditor.stub.ListNotes(ListNotesRequest(kind="change", resource=f"findings/acme/{finding.id}"))
    ).notes
    assert [(each.change.operation, each.person, each.reason) for each in reversed(notes)] == [
        ("update", "zoe", ""),
        ("comment", "zoe", "it began with version 2"),
        ("update", "zoe", "rolled back"),
    ]
    assert msgspec.json.decode(notes[0].change.after.json)["state"] == "RESOLVED"

    # It comes back by itself, and keeps what was said.
    again = seen((world.clock() // HOUR_MS) + 1)
    await FindingStore(world.redis).see([again], now_ms=world.clock())
    _, back = await people.ask("GET", path)
    assert (back["state"], back["reopened"], len(back["comments"])) == ("OPEN", 1, 4)


@pytest.mark.parametrize(
    "change",
    [
        {"owner": "a nobody"},
        {"state": "LOST"},
        {"dueTime": "2001-01-01T00:00:00Z"},
        {"dueTime": "9999-12-31T23:59:59-14:00"},
        {"dueTime": "2030-01-31T08:00:00"},
        {"text": "x" * 1_001},
        {"colour": "red"},
        [],
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(people: Steering, world: World, change: object) -> None:
    finding = await kept(world)
    status, told = await people.ask("POST", f"/v1/findings/acme/{finding.id}:change", change)
    assert (status, told["reason"]) == (400, "ARGUMENT_INVALID")
    assert await FindingStore(world.redis).get("acme", finding.id) == finding


async def test_only_who_may_look_after_findings_of_that_tenant_does(people: Steering, world: World) -> None:
    finding = await kept(world)
    change, path = {"state": "DISMISSED"}, f"/v1/findings/acme/{finding.id}"
    status, told = await people.ask("POST", f"{path}:change", change, roles={"acme": [Role.AUDITOR]})
    assert (status, told["right"]) == (403, "findings.manage")
    both = {"acme": [Role.AUDITOR], "globex": [Role.MODERATOR]}
    assert (await people.ask("POST", f"{path}:change", change, roles=both))[0] == 403
    assert (await people.ask("POST", f"{path}:change", change, roles={"globex": [Role.MODERATOR]}))[0] == 404
    assert (await people.ask("GET", "/v1/findings/acme/0123"))[0] == 404
    assert (await people.ask("POST", "/v1/findings/nowhere/0123:comment", {"text": "hm"}))[0] == 404


async def test_of_many_who_comment_at_once_each_is_heard(people: Steering, world: World) -> None:
    finding = await kept(world)
    path = f"/v1/findings/acme/{finding.id}:comment"
    asked = [people.ask("POST", path, {"text": f"look {number}"}) for number in range(5)]
    assert {status for status, _ in await asyncio.gather(*asked)} == {200}
    there = await FindingStore(world.redis).get("acme", finding.id)
    assert there is not None
    assert {each.text for each in there.comments} == {f"look {number}" for number in range(5)}


async def test_in_one_step_it_becomes_a_draft_of_a_rule_that_watches_and_stays_linked(
    people: Steering, world: World
) -> None:
    about = (("agent", 'sales"bot'), ("channel", "email"), ("measure", "latency"))
    finding = await kept(world, seen(about=about))
    (odd,) = await FindingStore(world.redis).see([slight(about=(("moon", "full"),))], now_ms=world.clock())
    named = next(each for each in await FindingStore(world.redis).all("acme") if each.seen.about == about)
    status, made = await people.ask("POST", f"/v1/findings/acme/{named.id}:draft", roles=ALL, who="omar")
    assert status == 201
    link = {"kind": "draft", "name": made["draft"]}
    assert made["finding"]["links"] == [link]
    _, draft = await people.ask("GET", f"/v1/{made['draft']}", roles=ALL)
    assert f"finding-drift-{named.id[:8]}" in draft["text"]
    _, checked = await people.ask("POST", f"/v1/{made['draft']}:check", {}, roles=ALL)
    assert checked["good"], checked
    _, there = await people.ask("GET", f"/v1/findings/acme/{named.id}")
    assert there["comments"][-1]["what"] == f"link={made['draft']}"

    assert (await people.ask("POST", f"/v1/findings/acme/{finding.id}:draft"))[0] == 403  # a moderator
    status, told = await people.ask("POST", f"/v1/findings/acme/{odd.id}:draft", roles=ALL)
    assert (status, told["reason"]) == (400, "ARGUMENT_INVALID")
    stop = {"kind": "stop", "name": "stops/acme/agent=sales-bot"}
    _, linked = await people.ask("POST", f"/v1/findings/acme/{named.id}:link", stop)
    assert linked["links"] == [link, stop]
    assert (await people.ask("POST", f"/v1/findings/acme/{named.id}:link", stop | {"name": "a b"}))[0] == 400


async def test_a_draft_of_a_finding_about_a_customer_names_nobody(people: Steering, world: World) -> None:
    about = (("subject", "0123456789abcdef0123456789abcdef"), ("method", "/pilote.crm.v1.DealService/UpdateDeal"))
    finding = await kept(world, seen(kind="adding-up", about=about))
    named = next(each for each in await FindingStore(world.redis).all("acme") if each.seen.about == about)
    assert named.id != finding.id
    _, made = await people.ask("POST", f"/v1/findings/acme/{named.id}:draft", roles=ALL)
    _, draft = await people.ask("GET", f"/v1/{made['draft']}", roles=ALL)
    assert "UpdateDeal" in draft["text"]
    assert "0123456789abcdef" not in str(draft)


async def test_its_decisions_become_a_suite_of_probes_that_stays_linked_and_twice_is_the_same(
    people: Steering, world: World, auditor: Auditor
) -> None:
    ended = await told(world.agent().messages.SendMessage(send(), metadata=credential("sales-bot")))
    await auditor.decision(ended.decision)
    gone = "0" * 32
    about = (("agent", "sales-bot"), ("subject", "0123456789abcdef0123456789abcdef"))
    nothing = await kept(world, seen(kind="pressure", about=about, decisions=(gone, ended.decision)))
    finding = next(each for each in await FindingStore(world.redis).all("acme") if each.seen.kind == "pressure")
    path = f"/v1/findings/acme/{finding.id}:probe"
    status, made = await people.ask("POST", path)
    assert (status, made["probe"]) == (200, f"probes/acme/finding-pressure-{finding.id[:8]}")
    assert made["finding"]["links"] == [{"kind": "probe", "name": made["probe"]}]
    status, suite = await people.ask("GET", f"/v1/{made['probe']}")
    assert (status, suite["madeOf"], suite["probes"]) == (200, f"findings/acme/{finding.id}", 1)
    assert "0123456789abcdef" not in suite["text"]
    assert "contacts/probe" in suite["text"]
    assert (await people.ask("POST", f"/v1/{made['probe']}:check", {}))[1]["good"]
    assert (await people.ask("POST", path))[1] == made
    assert (await people.ask("GET", f"/v1/{made['probe']}"))[1] == suite
    notes = (await auditor.stub.ListNotes(ListNotesRequest(kind="change", resource=made["probe"]))).notes
    assert {each.change.operation for each in notes} == {"save"}

    status, refused = await people.ask("POST", f"/v1/findings/acme/{nothing.id}:probe", accept_language="fr")
    assert (status, refused["reason"]) == (400, "ARGUMENT_INVALID")
    assert "Aucune sonde" in refused["detail"]
    assert (await people.ask("POST", path, roles={"acme": [Role.ADMIN]}))[1]["reason"] == "RIGHT_MISSING"
    assert (await people.ask("POST", path, roles={"globex": [Role.MODERATOR]}))[0] == 404


async def test_it_is_sent_on_where_somebody_wants_to_be_told_and_the_log_says_so(
    people: Steering, world: World, auditor: Auditor
) -> None:
    finding = await kept(world)
    path = f"/v1/findings/acme/{finding.id}:send"
    status, told = await people.ask("POST", path)
    assert (status, told["reason"]) == (400, "ARGUMENT_INVALID")
    assert "pilote webhooks add" in told["detail"]
    webhooks = Webhooks(world.redis)
    tasks = Endpoint(id="tasks", url="https://x", tenant="acme", events=("finding",), secret=b"", created_ms=1)
    await webhooks.keep(tasks)
    assert (await people.ask("POST", path))[0] == 400  # it wants those that open, not what is sent
    await webhooks.keep(msgspec.structs.replace(tasks, events=("finding.sent",)))
    names = set()
    for _ in range(2):
        status, told = await people.ask("POST", path)
        assert (status, told["links"][-1]["kind"]) == (200, "event")
        names.add(told["links"][-1]["name"])
    assert len(names) == 2
    notes = await auditor.stub.ListNotes(ListNotesRequest(page_size=9))
    assert sum(f"findings/acme/{finding.id}" in str(each) and "send" in str(each) for each in notes.notes) == 2


async def test_where_the_log_takes_no_notes_nothing_is_changed(
    world: World, upstream: FakeUpstream, people: Steering
) -> None:
    finding = await kept(world)
    async with steering(world) as alone:
        status, told = await alone.ask("POST", f"/v1/findings/acme/{finding.id}:change", {"state": "RESOLVED"})
    assert (status, told["reason"]) == (503, "STORE_UNAVAILABLE")
    there = await FindingStore(world.redis).get("acme", finding.id)
    assert there is not None
    assert there.state is State.OPEN


async def test_how_somebody_reviews_is_seen_by_nobody_but_them_and_who_sets_the_rules(
    people: Steering, world: World, auditor: Auditor
) -> None:
    hasty = seen(kind="review", about=(("reviewer", "ada"), ("measure", "haste")))
    _, about_ada = await FindingStore(world.redis).see([seen(), hasty], now_ms=world.clock())
    path = f"/v1/findings/acme/{about_ada.id}"
    others = (
        ("zoe", {"acme": [Role.MODERATOR]}),
        ("vera", {"acme": [Role.AUDITOR]}),
        ("sam", {"globex": [Role.ADMIN]}),
    )
    for who, roles in others:
        for method, target in (("GET", path), *(("POST", f"{path}:{verb}") for verb in ("change", "comment", "send"))):
            body = {"text": "who is it?"} if method == "POST" else None
            assert (await people.ask(method, target, body, who=who, roles=roles))[0] in {403, 404}, (who, target)
    assert (await people.ask("GET", path, who="zoe"))[0] == 404
    for who, roles, count in (
        ("zoe", others[0][1], 1),
        ("ada", others[0][1], 2),
        ("otto", {"acme": [Role.OFFICER]}, 2),
    ):
        _, told = await people.ask("GET", "/v1/findings?state=ALL", who=who, roles=roles)
        assert len(told["findings"]) == count, who

    assert (await people.ask("POST", f"{path}:comment", {"text": "I was on the train"}, who="ada"))[0] == 200
    status, refused = await people.ask("POST", f"{path}:change", {"state": "DISMISSED"}, who="ada")
    assert (status, refused["reason"]) == (409, "CONFLICT")
    officer = {"acme": [Role.OFFICER]}
    assert (await people.ask("POST", f"{path}:send", who="otto", roles=officer))[0] == 400
    status, done = await people.ask("POST", f"{path}:change", {"state": "RESOLVED"}, who="otto", roles=officer)
    assert (status, done["state"]) == (200, "RESOLVED")
    notes = await auditor.stub.ListNotes(ListNotesRequest(kind="change", resource=f"findings/acme/{about_ada.id}"))
    assert "train" not in str(notes)
