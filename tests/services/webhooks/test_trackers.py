"""What trackers are told, when they have taken it, whom they are not told of, and how an operator adds one."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from gateway.adapters.consents import ConsentStore
from gateway.adapters.sealing import Sealer, sealing_keys
from gateway.adapters.webhooks import Endpoint
from gateway.clock import clock_ms
from gateway.core import keys
from gateway.core.consents import Consent, Status
from gateway.core.trackers import CONTACT, Tracker, person
from gateway.redis_clients import Client
from pilote.decision.v1.decision_pb2 import DECISION_STATE_IN_DOUBT, DECISION_STATE_SETTLED, Decision
from pilote.governance.v1.annotations_pb2 import OPERATION_CONTACT, OPERATION_WRITE
from services.cli import app
from services.intake.events import Event, event_in, happened_ms
from services.webhooks.contacts import Contact, of_contact
from services.webhooks.delivering import Deliverer
from services.webhooks.server import contacts_wanted
from services.webhooks.store import WebhookStore
from services.webhooks.targets import networks_of
from services.webhooks.tracking import taken, told
from tests.services.environment import UNSET

pytestmark = pytest.mark.one_store
REF = "0f" * 16
AT_MS = 1_790_000_000_123
CONTACT_MADE = Contact(
    decision="d" * 32, tenant="acme", subject_ref=REF, channel="email", at_ms=AT_MS, category="marketing", agent="bot"
)
MATOMO = Tracker(manner="matomo", site=3, purpose="tracking")
SEGMENT = Tracker(manner="segment")
URL = "https://count.example.com/matomo.php"
KEY = b"k" * 32


def a_decision(**fields: object) -> Decision:
    chosen: dict[str, object] = {
        "name": "decisions/" + "d" * 32, "tenant": "acme", "operation": OPERATION_CONTACT, "status": "OK",
        "state": DECISION_STATE_SETTLED, "subject_ref": REF, "channel": "email", "category": "marketing",
        "agent": "bot",
    }  # fmt: skip
    made = Decision(**(chosen | fields))  # type: ignore[arg-type]
    made.receive_time.FromMilliseconds(AT_MS)
    return made


def test_a_contact_that_was_made_is_told_by_its_decision() -> None:
    assert of_contact(a_decision()) == CONTACT_MADE
    assert (CONTACT_MADE.short_type, CONTACT_MADE.time) == (CONTACT, "2026-09-21T14:13:20.123Z")


@pytest.mark.parametrize(
    "fields",
    [
        {"operation": OPERATION_WRITE}, {"status": "UNAVAILABLE"}, {"status": ""}, {"state": DECISION_STATE_IN_DOUBT},
        {"repeat_of": "decisions/first"}, {"subject_ref": ""}, {"channel": ""},
    ],
)  # fmt: skip
def test_no_other_decision_is(fields: dict[str, object]) -> None:
    assert of_contact(a_decision(**fields)) is None


def test_matomo_is_told_of_an_event_in_its_own_words() -> None:
    sent = told(CONTACT_MADE, MATOMO, url=URL, secret=b"token")
    body = json.loads(sent.body)
    (request,) = body["requests"]
    asked = {name: values[0] for name, values in parse_qs(request.removeprefix("?")).items()}
    assert body["token_auth"] == "token"
    assert asked == {
        "idsite": "3", "rec": "1", "apiv": "1", "ca": "1", "bots": "1", "cdt": str(AT_MS // 1000), "e_c": "contact",
        "e_a": "email", "e_n": "marketing", "url": f"https://pilote.invalid/decisions/{'d' * 32}",
        "uid": person(REF, of=f"{URL} 3"),
    }  # fmt: skip


def test_segments_kind_is_told_with_the_decision_as_its_message() -> None:
    sent = told(CONTACT_MADE, SEGMENT, url=URL, secret=b"key")
    body = json.loads(sent.body)
    assert sent.headers["authorization"] == f"Basic {base64.b64encode(b'key:').decode()}"
    assert (body["type"], body["messageId"], body["userId"]) == ("track", "d" * 32, person(REF, of=f"{URL} 0"))
    assert body["timestamp"] == "2026-09-21T14:13:20.123000Z"
    assert body["properties"] == {
        "decision_id": "d" * 32, "channel": "email", "category": "marketing", "agent": "bot",
    }  # fmt: skip


def test_what_segments_kind_is_told_is_an_event_as_our_own_intake_takes_them() -> None:
    event = event_in(told(CONTACT_MADE, SEGMENT, url=URL, secret=b"key").body)
    assert isinstance(event, Event)
    assert (event.event, event.message_id, event.user_id) == ("Contact Made", "d" * 32, person(REF, of=f"{URL} 0"))
    assert happened_ms(event, sent_at=None, received_ms=AT_MS + 5_000) == AT_MS


@given(channel=st.text(), category=st.text(), manner=st.sampled_from([MATOMO, SEGMENT]))
def test_whatever_a_call_says_makes_one_event_and_never_shows_our_pseudonym(
    channel: str, category: str, manner: Tracker
) -> None:
    odd = msgspec.structs.replace(CONTACT_MADE, channel=channel, category=category)
    body = told(odd, manner, url=URL, secret=b"t").body
    assert REF.encode() not in body
    found = json.loads(body)
    if manner is MATOMO:
        (request,) = found["requests"]
        asked = parse_qs(request.removeprefix("?"), keep_blank_values=True, errors="strict")
        assert (asked["idsite"], asked.get("e_a", [""])) == (["3"], [channel])
    else:
        assert found["properties"].get("category", "") == category


@given(one=st.tuples(st.text(), st.text()), other=st.tuples(st.text(), st.text()))
def test_people_are_called_otherwise_at_every_tracker(one: tuple[str, str], other: tuple[str, str]) -> None:
    def called(who: tuple[str, str]) -> str:
        return person(who[0].encode("utf-8", "replace").decode(), of=who[1].encode("utf-8", "replace").decode())

    same = [each.encode("utf-8", "replace") for each in one] == [each.encode("utf-8", "replace") for each in other]
    assert (called(one) == called(other)) == same


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (b'{"status":"success","tracked":1,"invalid":0}', True),
        (b'{"status":"success","tracked":0,"invalid":1}', False),
        (b'{"status":"error","tracked":1}', False), (b"", False), (b"GIF89a", False), (b"[[[[", False),
        (b'{"status":"success","tracked":"1"}', False), (b"\xff", False), (b"[" * 9_000, False),
    ],
)  # fmt: skip
def test_matomo_has_taken_only_what_it_says_it_has(answer: bytes, good: bool) -> None:  # noqa: FBT001
    assert taken(MATOMO, answer) is good
    assert taken(SEGMENT, answer)


@dataclass
class Office:
    """One tracker, what it gets and says, and the time."""

    store: WebhookStore
    deliverer: Deliverer
    endpoint: Endpoint
    consents: ConsentStore
    got: list[bytes]
    answers: list[bytes]
    now_ms: int

    async def tell(self) -> None:
        body = msgspec.json.encode(CONTACT_MADE)
        made = CONTACT_MADE
        await self.store.enqueue(
            made.id, [self.endpoint], kind=made.short_type, body=body, time=made.time, now_ms=self.now_ms
        )

    async def say(self, status: Status, *, purpose: str = "tracking", at_ms: int = 1) -> None:
        word = Consent(channel="email", purpose=purpose, status=status, captured_ms=at_ms)
        await self.consents.say("acme", REF, statements=(word,), now_ms=at_ms, exactly=True)


@pytest.fixture
async def office(redis: Client) -> AsyncIterator[Office]:
    good = b'{"status":"success","tracked":1}'

    async def take(request: web.Request) -> web.Response:
        here.got.append(await request.read())
        return web.Response(body=here.answers.pop(0) if here.answers else good)

    application = web.Application()
    application.router.add_post("/matomo.php", take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/matomo.php"
    store, consents = WebhookStore(redis, Sealer((KEY,))), ConsentStore(redis)
    endpoint = Endpoint(id="t", url=url, tenant="acme", events=(CONTACT,), secret=b"", created_ms=5, tracker=MATOMO)
    await store.add(endpoint, secret=b"token")
    here = Office(
        store,
        Deliverer(
            store, networks=networks_of("127.0.0.0/8"), clock_ms=lambda: here.now_ms, draw=lambda: 0.0,
            consents=consents,
        ),
        endpoint, consents, [], [], clock_ms(),
    )  # fmt: skip
    try:
        async with here.deliverer:
            yield here
    finally:
        await runner.cleanup()


async def test_what_a_tracker_has_not_taken_is_sent_again(office: Office) -> None:
    await office.say("granted")
    office.answers = [b'{"status":"success","tracked":0,"invalid":1}', b"x" * 20_000]
    await office.tell()
    for _ in range(3):
        assert await office.deliverer.round() == 1
        office.now_ms += 86_400_000
    assert (len(office.got), len(set(office.got))) == (3, 1)
    assert await office.store.list("t", dead=False) == ()


@pytest.mark.parametrize(
    ("words", "told_of"),
    [
        ((), False),
        ((("granted", "tracking"),), True),
        ((("granted", "marketing"),), False),
        ((("granted", ""),), False),
        ((("granted", "tracking"), ("refused", "")), False),
        ((("granted", "tracking"), ("withdrawn", "tracking")), False),
        ((("refused", "tracking"), ("granted", "tracking")), True),
    ],
)
async def test_a_tracker_is_told_of_those_who_agree_when_it_is_told(
    office: Office,
    words: tuple[tuple[Status, str], ...],
    told_of: bool,  # noqa: FBT001
) -> None:
    await office.tell()
    for number, (status, purpose) in enumerate(words, start=1):
        await office.say(status, purpose=purpose, at_ms=number)
    assert await office.deliverer.round() == 1
    assert len(office.got) == told_of
    assert await office.store.list("t", dead=False) == ()


async def test_a_customer_whose_facts_are_damaged_is_not_told_of(office: Office, redis: Client) -> None:
    await office.tell()
    await redis.set(keys.facts(keys.cell("acme"), REF), b"{damaged")
    assert await office.deliverer.round() == 1
    assert office.got == []


def test_trackers_get_contacts_and_nothing_else_and_no_other_endpoint_gets_them() -> None:
    plain = Endpoint(id="e", url=URL, tenant="", events=(), secret=b"", created_ms=0)
    counts = msgspec.structs.replace(plain, tenant="acme", events=(CONTACT,), tracker=MATOMO)
    assert (plain.wants(CONTACT, tenant="acme"), plain.wants("finding", tenant="acme")) == (False, True)
    assert (counts.wants(CONTACT, tenant="acme"), counts.wants("revision.activated", tenant="")) == (True, False)
    assert not counts.wants(CONTACT, tenant="globex")
    before = msgspec.json.decode(
        b'{"id":"e","url":"u","tenant":"","events":[],"secret":"","created_ms":0}', type=Endpoint
    )
    assert before.tracker is None, "endpoints that were kept before there were trackers"


async def test_contacts_are_followed_from_when_the_first_tracker_was_added(office: Office) -> None:
    assert await contacts_wanted(office.store)
    assert (await office.store.known())["contacts-told-ms"] == b"5"
    await office.store.remove("t")
    assert not await contacts_wanted(office.store)
    assert "contacts-told-ms" not in await office.store.known()


async def _run(url: str, home: Path, *arguments: str, lang: str = "en") -> Result:
    own = {"PILOTE_HOME": str(home), "PILOTE_REDIS_URL": url, "PILOTE_AUDIT_LISTEN": "127.0.0.1:1", "PILOTE_LANG": lang}
    command = ["webhooks", "track", *arguments]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, command, env=UNSET | own))


@pytest.mark.one_server
async def test_an_operator_adds_a_tracker_whose_token_is_sealed(redis: Client, redis_url: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n", encoding="utf-8")
    arguments = (URL, "--tenant", "acme", "--as", "matomo", "--site", "3", "--token-file", str(token))
    added = await _run(redis_url, tmp_path, *arguments)
    assert (added.exit_code, "tracking" in added.stdout, "s3cret" in added.output) == (0, True, False)
    everything = await _run(redis_url, tmp_path, *arguments, "--without-consent", lang="fr")
    assert "que le client ait accepté ou non" in everything.stdout
    store = WebhookStore(redis, Sealer(sealing_keys(tmp_path / "secrets" / "control.key")))
    first, second = await store.endpoints()
    assert (first.tracker, store.secret_of(first)) == (MATOMO, b"s3cret")
    assert (second.tracker, b"s3cret" in second.secret) == (Tracker(manner="matomo", site=3), False)


@pytest.mark.one_server
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((URL, "--as", "morse", "--site", "3"), "matomo, segment"),
        ((URL, "--as", "matomo"), "--site"),
        ((URL, "--as", "segment"), "--token-file"),
        ((URL, "--as", "matomo", "--site", "3", "--purpose", "All of it"), "--purpose"),
        ((URL, "--as", "matomo", "--site", "3", "--token-file", "/nowhere"), "/nowhere"),
        (("http://127.0.0.1/matomo.php", "--as", "matomo", "--site", "3"), "https"),
    ],
)
async def test_what_cannot_be_is_refused_and_says_what_to_do(
    redis: Client, redis_url: str, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    refused = await _run(redis_url, tmp_path, *arguments, "--tenant", "acme")
    assert refused.exit_code == 2
    assert said in refused.stderr
    store = WebhookStore(redis, Sealer((KEY,)))
    assert await store.endpoints() == ()
