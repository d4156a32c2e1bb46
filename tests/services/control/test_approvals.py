"""What concerns one person's data is done by two people, once, and whatever happens on the way can be seen."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.errors import Reason
from gateway.core.record import subject_ref
from gateway.redis_clients import Client
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc, personal_pb2
from services.audit.sqlite.store import SqliteStore
from services.control.access.principals import Forbidden, Principal
from services.control.access.rights import EVERYWHERE, Role, rights_of
from services.control.approvals.asked import FETCH_MS, KEPT_MS, RUN_MS, WAIT_MS, Approval, begun
from services.control.approvals.deciding import Approvals
from services.control.approvals.store import APPROVALS, WAITING, ApprovalStore
from services.control.changes import Changes
from services.control.undone import Undone
from tests.e2e.waiting import eventually
from tests.services.audit.conftest import KEY, NOW_MS, Audit

CUSTOMER = "contacts/ada-lovelace"
REF = subject_ref(KEY, tenant="acme", subject=CUSTOMER)
LIMIT = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def somebody(name: str, *, tenant: str = EVERYWHERE, role: Role = Role.AUDITOR, kind: Any = "session") -> Principal:
    return Principal(name=name, kind=kind, rights=rights_of({tenant: (role,)}))


DAN, EVE = somebody("dan"), somebody("eve")


@dataclasses.dataclass(slots=True)
class Desk:
    """Approvals over an empty store, with an audit service of their own; time stands still until a test moves it."""

    redis: Client
    audit: Audit
    stub: Any
    now_ms: int = NOW_MS

    @property
    def approvals(self) -> Approvals:
        return self.by(self.stub)

    def by(self, stub: Any, **more: Any) -> Approvals:
        """Of another control plane, which asks there."""
        changes = Changes(self.stub)
        return Approvals(self.redis, stub, changes, pseudonym_key=KEY, clock_ms=lambda: self.now_ms, **more)

    async def asked(self, who: Principal = DAN, **more: Any) -> Approval:
        wanted = {"kind": "erasure", "tenant": "acme", "subject": CUSTOMER, "reason": "request of 12 May"} | more
        return await self.approvals.ask(who, wanted.pop("kind"), **wanted)

    async def state(self, approval: Approval) -> str:
        return (await self.approvals.get(DAN, approval.id)).state

    async def notes(self, kind: str) -> list[personal_pb2.Note]:
        """Oldest first."""
        request = personal_pb2.ListNotesRequest(kind=kind, page_size=1_000)
        return list((await self.audit.queries().ListNotes(request, None)).notes)[::-1]

    async def steps(self) -> list[tuple[str, str, str]]:
        """Who did what, and how it ended."""
        return [
            (note.person, note.change.operation, personal_pb2.ChangeStage.Name(note.change.stage)[13:])
            for note in await self.notes("change")
        ]


@pytest.fixture
async def desk(redis: Client, tmp_path: Path) -> AsyncIterator[Desk]:
    audit = Audit(redis, "", SqliteStore(tmp_path))
    async with (
        serving(
            lambda server: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server),
            listen="127.0.0.1:0",
            names=(),
            drain_seconds=0,
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield Desk(redis, audit, audit_service_pb2_grpc.AuditServiceStub(channel))
        await audit.store.close()


async def refused(what: Any) -> tuple[str, str]:
    with pytest.raises(Undone) as undone:
        await what
    return undone.value.reason, undone.value.code


async def test_an_erasure_is_asked_for_by_one_and_done_once_another_agrees(desk: Desk) -> None:
    asked = await desk.asked()
    assert (asked.state, asked.subject_ref, asked.expires_ms) == ("waiting", REF, NOW_MS + WAIT_MS)
    assert desk.approvals.subject_of(await desk.approvals.get(EVE, asked.id)) == CUSTOMER
    assert await desk.notes("erasure") == []
    desk.now_ms += 1
    done = await desk.approvals.agree(EVE, asked.id, comment="checked the letter")
    assert (done.state, done.decided_by, done.decided_ms, done.sealed) == ("done", "eve", NOW_MS + 1, b"")
    assert await desk.approvals.list(DAN) == (done,)
    (erasure,) = await desk.notes("erasure")
    assert (erasure.person, erasure.reason, erasure.subject_ref) == ("dan", "request of 12 May", REF)
    assert await desk.steps() == [("dan", "ask", "BEGUN"), ("eve", "agree", "BEGUN"), ("eve", "agree", "DONE")]
    (_, agreed, _) = await desk.notes("change")
    assert (agreed.resource, agreed.tenant, agreed.reason) == (asked.name, "acme", "checked the letter")


async def test_nobody_agrees_to_what_they_ask_for_however_they_are_known(desk: Desk) -> None:
    asked = await desk.asked()
    for kind in ("session", "token", "signature"):
        again = somebody("dan", kind=kind)
        assert await refused(desk.approvals.agree(again, asked.id, comment="x")) == (
            Reason.POLICY_DENIED,
            "approval-own",
        )
    assert (await refused(desk.approvals.refuse(DAN, asked.id, comment="x")))[1] == "approval-own-refused"
    assert (await refused(desk.approvals.withdraw(EVE, asked.id, comment="")))[1] == "approval-others"
    assert await desk.state(asked) == "waiting"
    assert await desk.notes("erasure") == []


async def test_of_a_hundred_who_agree_at_once_one_does_it(desk: Desk) -> None:
    asked = await desk.asked()
    people = [somebody(f"p-{number}") for number in range(100)]
    ended = await asyncio.gather(
        *(desk.by(desk.stub).agree(each, asked.id, comment="yes") for each in people), return_exceptions=True
    )
    done = [each for each in ended if isinstance(each, Approval)]
    others = {each.code for each in ended if isinstance(each, Undone)}
    assert (len(done), others) == (1, {"approval-decided"})
    assert len(await desk.notes("erasure")) == 1


async def test_what_is_refused_or_withdrawn_is_not_done_and_names_nobody_any_more(desk: Desk) -> None:
    one = await desk.asked()
    assert (await desk.approvals.refuse(EVE, one.id, comment="wrong person")).state == "refused"
    two = await desk.asked()
    assert two.id != one.id
    assert (await desk.approvals.withdraw(DAN, two.id, comment="")).state == "withdrawn"
    for each in (one, two):
        assert (await refused(desk.approvals.agree(EVE, each.id, comment="x")))[0] is Reason.CONFLICT
    kept: Any = await desk.redis.hgetall(APPROVALS)
    assert all(msgspec.json.decode(each, type=Approval).sealed == b"" for each in kept.values())
    assert await desk.redis.hlen(WAITING) == 0
    assert await desk.notes("erasure") == []


async def test_nobody_finds_the_customers_name_in_the_store_or_the_log(desk: Desk) -> None:
    asked = await desk.asked()
    await desk.approvals.agree(EVE, asked.id, comment="yes")
    kept: Any = await desk.redis.hgetall(APPROVALS)
    said = [*kept.values(), *(note.raw for note in await desk.notes(""))]
    assert len(said) > 3
    assert not [each for each in said if b"lovelace" in each]


async def test_the_same_is_asked_for_once_while_it_waits(desk: Desk) -> None:
    asked = await desk.asked()
    assert (await desk.asked()).id == asked.id
    assert await refused(desk.asked(EVE)) == (Reason.ALREADY_EXISTS, "approval-there")
    assert (await desk.asked(EVE, subject="contacts/bob")).id != asked.id
    assert await desk.steps() == [("dan", "ask", "BEGUN"), ("eve", "ask", "BEGUN")]


async def test_of_a_hundred_who_ask_at_once_one_waits(desk: Desk) -> None:
    people = [somebody(f"p-{number}") for number in range(100)]
    ended = await asyncio.gather(*(desk.asked(each) for each in people), return_exceptions=True)
    assert len([each for each in ended if isinstance(each, Approval)]) == 1
    assert len(await desk.approvals.list(DAN)) == 1


async def test_what_nobody_agrees_to_for_seven_days_expires(desk: Desk) -> None:
    asked = await desk.asked()
    desk.now_ms += WAIT_MS - 1
    assert await desk.state(asked) == "waiting"
    desk.now_ms += 1
    assert await desk.state(asked) == "expired"
    assert (await refused(desk.approvals.agree(EVE, asked.id, comment="x")))[0] is Reason.CONFLICT
    again = await desk.asked(EVE)
    assert again.id != asked.id
    stored = await ApprovalStore(desk.redis).read(asked.id)
    assert stored is not None
    assert (stored.state, stored.sealed) == ("expired", b"")
    desk.now_ms += KEPT_MS
    await desk.asked(subject="contacts/bob")
    assert await ApprovalStore(desk.redis).read(asked.id) is None


async def test_what_fails_is_said_so_and_either_of_the_two_retries_it(desk: Desk) -> None:
    asked = await desk.asked()
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nobody:
        away = desk.by(audit_service_pb2_grpc.AuditServiceStub(nobody))
        with pytest.raises(grpc.aio.AioRpcError):
            await away.agree(EVE, asked.id, comment="yes")
    failed = await desk.approvals.get(DAN, asked.id)
    assert (failed.state, failed.failure, failed.decided_by) == ("failed", "STORE_UNAVAILABLE", "eve")
    assert (await refused(desk.approvals.retry(somebody("zoe"), asked.id)))[1] == "approval-not-yours"
    assert (await desk.approvals.retry(DAN, asked.id)).state == "done"
    assert (await refused(desk.approvals.retry(DAN, asked.id)))[1] == "approval-not-failed"
    assert len(await desk.notes("erasure")) == 1
    assert (await desk.steps())[-3:] == [
        ("eve", "agree", "NOT_DONE"),
        ("dan", "retry", "BEGUN"),
        ("dan", "retry", "DONE"),
    ]


async def test_where_a_process_ends_over_it_that_is_seen_and_it_can_be_retried(desk: Desk) -> None:
    asked = await desk.asked()
    decided = msgspec.structs.replace(asked, decided_by="eve", decided_ms=desk.now_ms)
    assert await ApprovalStore(desk.redis).change(asked, begun(decided, now_ms=desk.now_ms))  # and no more
    assert await desk.state(asked) == "running"
    assert (await refused(desk.approvals.retry(EVE, asked.id)))[0] is Reason.CONFLICT
    desk.now_ms += RUN_MS
    assert await desk.state(asked) == "interrupted"
    assert (await refused(desk.approvals.agree(somebody("zoe"), asked.id, comment="x")))[0] is Reason.CONFLICT
    both = await asyncio.gather(*(desk.approvals.retry(each, asked.id) for each in (DAN, EVE)), return_exceptions=True)
    assert sum(isinstance(each, Approval) and each.state == "done" for each in both) == 1
    assert len(await desk.notes("erasure")) == 1


async def test_what_takes_long_goes_on_while_nobody_waits_for_it(desk: Desk) -> None:
    first, second = await desk.asked(), await desk.asked(subject="contacts/bob")
    hasty, patient = desk.by(desk.stub, answer_seconds=0), desk.by(desk.stub, answer_seconds=60)
    assert (await hasty.agree(EVE, first.id, comment="yes")).state == "running"

    async def over() -> bool | None:
        return await desk.state(first) == "done" or None

    await eventually(over, what="its end")
    assert (await patient.agree(EVE, second.id, comment="yes")).state == "done"
    assert len(await desk.notes("erasure")) == 2


async def test_what_is_under_way_when_a_process_stops_has_failed_and_is_retried(desk: Desk) -> None:
    asked = await desk.asked()
    stopping = desk.by(desk.stub, answer_seconds=0)
    assert (await stopping.agree(EVE, asked.id, comment="yes")).state == "running"
    await stopping.carrying_out.close()
    assert await desk.state(asked) in ("failed", "done")  # it may have been faster
    if await desk.state(asked) == "failed":
        assert (await desk.approvals.retry(DAN, asked.id)).state == "done"


async def test_nothing_is_asked_or_agreed_to_that_cannot_be_noted(desk: Desk) -> None:
    asked = await desk.asked()
    await desk.audit.store.close()
    assert (await refused(desk.approvals.agree(EVE, asked.id, comment="yes")))[0] is Reason.STORE_UNAVAILABLE
    assert (await refused(desk.asked(subject="contacts/bob")))[0] is Reason.STORE_UNAVAILABLE
    assert [each.state for each in await desk.approvals.list(DAN)] == ["waiting"]


async def test_a_report_is_fetched_by_who_asked_once_another_has_agreed(desk: Desk) -> None:
    its = {"tenant": "acme", "subject": CUSTOMER}
    asked = await desk.asked(kind="personal-export")
    assert await desk.approvals.fetching(DAN, **its) is None
    agreed = await desk.approvals.agree(EVE, asked.id, comment="yes")
    assert (agreed.state, agreed.expires_ms) == ("agreed", desk.now_ms + FETCH_MS)
    assert await desk.approvals.fetching(EVE, **its) is None
    assert await desk.approvals.fetching(DAN, tenant="beta", subject=CUSTOMER) is None
    for _ in range(2):
        fetched = await desk.approvals.fetching(DAN, **its)
        assert fetched is not None
        assert (fetched.id, fetched.state) == (asked.id, "done")
    desk.now_ms += FETCH_MS
    assert await desk.approvals.fetching(DAN, **its) is None
    assert [step[:2] for step in await desk.steps()] == [("dan", "ask"), ("eve", "agree"), ("dan", "fetch")]


async def test_rights_count_in_the_tenant_of_the_customer(desk: Desk) -> None:
    beta, moderator = somebody("bea", tenant="beta"), somebody("mo", role=Role.MODERATOR)
    asked = await desk.asked()
    assert await desk.approvals.list(beta) == ()
    assert (await refused(desk.approvals.agree(beta, asked.id, comment="x")))[0] is Reason.NOT_FOUND
    assert (await refused(desk.approvals.agree(moderator, asked.id, comment="x")))[0] is Reason.NOT_FOUND
    for who, tenant in ((beta, "acme"), (beta, ""), (moderator, "acme")):
        with pytest.raises(Forbidden):
            await desk.asked(who, tenant=tenant, subject="contacts/bob")
    assert (await desk.asked(beta, tenant="beta")).tenant == "beta"
    everywhere = await desk.asked(tenant="")
    assert everywhere.subject_ref == subject_ref(KEY, tenant=EVERYWHERE, subject=CUSTOMER)


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("reason", {"reason": " "}),
        ("reason", {"reason": "x" * 501}),
        ("subject", {"subject": ""}),
        ("subject", {"subject": "x" * 257}),
        ("tenant", {"kind": "personal-export", "tenant": ""}),
    ],
)
async def test_who_asks_wrongly_is_told_the_field(desk: Desk, field: str, wanted: dict[str, Any]) -> None:
    with pytest.raises(Undone) as undone:
        await desk.asked(**wanted)
    assert (undone.value.reason, undone.value.field) == (Reason.ARGUMENT_INVALID, field)
    assert await desk.notes("change") == []


MOVES = st.sampled_from(["agree", "refuse", "withdraw", "retry", "wait", "ask"])


@LIMIT
@given(st.lists(st.tuples(MOVES, st.sampled_from([DAN, EVE, somebody("zoe")])), max_size=12))
async def test_whatever_people_do_no_customer_is_erased_without_two_of_them(
    desk: Desk, moves: list[tuple[str, Principal]]
) -> None:
    await desk.redis.flushall()
    before, erased = len(await desk.notes("erasure")), 0
    asked = await desk.asked()
    for move, who in moves:
        try:
            if move == "wait":
                desk.now_ms += WAIT_MS // 3
            elif move == "ask":
                asked = await desk.asked(who)
            elif move == "retry":
                await desk.approvals.retry(who, asked.id)
            else:
                await getattr(desk.approvals, move)(who, asked.id, comment="so")
        except Undone:
            continue
        if move == "agree":
            erased += 1
            assert who.name != asked.asked_by
    assert len(await desk.notes("erasure")) - before == erased
