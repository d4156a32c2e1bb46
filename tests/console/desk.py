"""A console over decisions of the last hours, with a real audit service behind it."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec

from gateway.adapters.sealing import Sealer
from gateway.clock import clock_ms
from gateway.core.call import Lineage
from gateway.core.record import (
    Attempt,
    BucketAsk,
    BucketLook,
    Exposure,
    Outcome,
    RuleLook,
    Steps,
    Verdict,
    subject_ref,
)
from gateway.redis_clients import Client
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.access.accesses import Access
from services.control.access.principals import Door, Principal
from services.control.access.rights import EVERYWHERE, Role, rights_of
from services.control.api.exporting import Exports
from services.control.api.tailing import Tailing
from services.control.api.values import Values
from services.control.app import application
from services.control.approvals.deciding import Approvals
from services.control.audit_client import AuditClient
from services.control.changes import Changes
from services.control.console.console import Console
from services.control.console.page import Parts
from services.control.console.pages import decisions, now, preferences
from services.control.decisions.replaying import Replaying
from services.control.reports.persons import PersonFiles
from services.control.serving import serving
from services.control.viewing import SavedViews
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, RECORD_KEY, REPLAY_KEY, Auditor, auditing
from tests.services.audit.conftest import a_record, a_settlement, admit, an_id, append, settle

MODERATOR: Final = Principal(name="maud", kind="signature", rights=rights_of({EVERYWHERE: [Role.MODERATOR]}))
SEND: Final = "/pilote.crm.v1.MessageService/SendMessage"
GET: Final = "/pilote.crm.v1.ContactService/GetContact"
SCORE: Final = "/inference.GRPCInferenceService/ModelInfer"
MINUTE_MS: Final = 60_000
CALLS: Final = 120
"""Decisions that there are, one every five minutes."""
SUBJECT: Final = "contacts/cnt_000001"
CUSTOMER: Final = subject_ref(KEY, tenant="acme", subject=SUBJECT)


class Desk:
    """What a test looks at."""

    def __init__(self, url: str, auditor: Auditor, redis: Client, begun_ms: int) -> None:
        self.url = url
        self.auditor = auditor
        self.redis = redis
        self.begun_ms = begun_ms
        """When the first call was made."""

    def id(self, number: int) -> str:
        """The id of one of the calls."""
        return an_id(number, at_ms=self.at_ms(number))

    def at_ms(self, number: int) -> int:
        """When one of the calls was made."""
        return self.begun_ms + number * 5 * MINUTE_MS

    async def call(self, number: int, **changes: Any) -> str:
        """One more call; returns its id."""
        record, outcome, end = _call(number, self.at_ms(number), self.id, changes)
        await append(self.redis, admit(record, outcome), *([settle(end)] if end else []))
        return str(record.id)


def _call(number: int, at_ms: int, id_of: Callable[[int], str], changes: dict[str, Any]) -> tuple[Any, Outcome, Any]:
    kind = ("sent", "read", "capped", "scored", "ruled", "held", "deferred", "read")[number % 8]
    record: dict[str, Any] = {
        "id": id_of(number),
        "received_ms": at_ms,
        "decided_ms": at_ms + 2,
        "expires_ms": 0,
        "agent": ("churn-bot", "nurture", "sales-assistant")[number % 3],
        "subject_ref": CUSTOMER if number % 5 == 0 else f"{number:032x}",
        "steps": Steps(wait_us=120, identify_us=210, describe_us=340, facts_us=880, decide_us=410),
        "trace_id": f"{number + 1:032x}",
        "revision": 12,
        "rules": (RuleLook("allow-agents", "allow"), RuleLook("long-texts", "deny", "monitor")),
    }
    outcome, end = Outcome(granted=True), None
    contact = {"method": SEND, "operation": "CONTACT", "channel": "email", "category": "marketing", "route": "crm"}
    contact |= {"arm": "main", "upstream": "crm"}
    asks = (
        BucketAsk("weekly-email", "cap", 3, 7 * 86_400_000, by="subject=9f31c2"),
        BucketAsk("per-agent", "rate", 100, 60_000, by="agent=nurture"),
    )
    match kind:
        case "sent":
            record |= contact | {"buckets": asks, "rule": "allow-agents"}
            record |= {"exposures": (Exposure("tone", "warm"),), "inference": id_of(3)}
            record |= {
                "lineage": Lineage(model="churn", version="churn@4", route="scores", arm="main"),
                "version": "churn@4",
            }
            outcome = Outcome(granted=True, looks=(BucketLook(2, 0), BucketLook(41, 0)))
        case "read":
            record |= {"method": GET, "operation": "READ", "route": "crm", "arm": "main", "upstream": "crm"}
        case "scored":
            record |= {"method": SCORE, "operation": "INFER", "route": "scores", "arm": "main", "upstream": "models"}
            record |= {"model": "churn", "version": "churn@4" if number % 16 == 3 else "churn@5"}
        case "capped":
            record |= contact | {"buckets": asks}
            looks = (BucketLook(3, 2 * 86_400_000), BucketLook(17, 0))
            outcome = Outcome(granted=False, looks=looks, refused=0)
        case "ruled":
            record |= contact | {"verdict": Verdict.DENY, "reason": "POLICY_DENIED", "rule": "no-minors"}
            record |= {"message": "Customers under 18 are not contacted.", "citation": "RGPD art. 8"}
            record |= {"rules": (RuleLook("no-minors", "deny"), RuleLook("allow-agents", "allow"))}
            outcome = Outcome(granted=False)
        case "held":
            record |= contact | {"verdict": Verdict.HOLD, "reason": "HELD", "rule": "big-offers", "hold": id_of(number)}
            record |= {"rules": (RuleLook("big-offers", "hold"),)}
            outcome = Outcome(granted=False)
        case "deferred":
            record |= contact | {"verdict": Verdict.DEFER, "reason": "QUIET_HOURS", "rule": "nights"}
            record |= {"rules": (RuleLook("nights", "defer", until_ms=at_ms + 8 * 3_600_000),)}
            outcome = Outcome(granted=False)
    if kind in {"sent", "read", "scored"}:
        retried = (
            Attempt("main", "crm", "UNAVAILABLE", at_us=2_600, took_us=9_000),
            Attempt("main", "crm", "OK", at_us=14_000, took_us=22_000, why="retry"),
        )
        end = a_settlement(
            number,
            id=id_of(number),
            settled_ms=at_ms + 40,
            total_us=40_000 + number * 100,
            upstream_us=31_000,
            overhead_us=9_000,
            admit_us=700,
            settle_us=600,
            attempts=retried if number % 16 == 0 else (),
        )
    record |= changes
    return a_record(number, **record), outcome, end


def _calls(id_of: Callable[[int], str], at_ms: Callable[[int], int], count: int) -> Iterator[dict[Any, Any]]:
    for number in range(count):
        record, outcome, end = _call(number, at_ms(number), id_of, {})
        yield admit(record, outcome)
        if end is not None:
            yield settle(end)


@asynccontextmanager
async def desk(
    redis: Client, redis_url: str, home: Path, *, count: int = CALLS, who: Principal = MODERATOR
) -> AsyncIterator[Desk]:
    """The console, until the block ends; `who` is logged in, or somebody else by the cookie "who"."""

    async def somebody(request: Any) -> Principal:
        return msgspec.structs.replace(who, name=request.cookies.get("who", who.name))

    async with contextlib.AsyncExitStack() as stack:
        auditor = await stack.enter_async_context(auditing(redis_url, home))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(auditor.address))
        client = AuditClient(AuditServiceStub(channel))
        tailing = Tailing(client.stub)
        replaying = Replaying(client, redis, replay_keys=[REPLAY_KEY], pseudonym_key=KEY, clock_ms=clock_ms)
        made_of: dict[str, Any] = dict.fromkeys(Parts.__struct_fields__)  # pages about decisions need no more
        made_of |= {"redis": redis, "audit": client, "tailing": tailing, "clock_ms": clock_ms, "https": False}
        made_of |= {"trace_url": "https://traces.example/{trace_id}"}
        changes = Changes(client.stub)
        made_of |= {"views": SavedViews(client, changes), "exports": Exports(client)}
        made_of["access"] = Access(redis, keys=[RECORD_KEY], clock_ms=clock_ms)
        stack.callback(made_of["access"].close)
        made_of["approvals"] = Approvals(redis, client.stub, changes, pseudonym_key=KEY, clock_ms=clock_ms)
        made_of["person_files"] = PersonFiles(client)
        stack.callback(made_of["person_files"].close)
        made_of |= {"values": Values(client, sealer=Sealer([RECORD_KEY])), "replaying": replaying}
        parts = Parts(**made_of)
        console = Console(parts, pages=(now.PAGE, decisions.PAGE, preferences.PAGE))
        app = application(console.handlers(), Door([somebody]), templates=console.templates())
        served = serving(app, listen="127.0.0.1:0", drain_seconds=1, ending=tailing.drain)
        port = await stack.enter_async_context(served)
        begun_ms = time.time_ns() // 1_000_000 - count * 5 * MINUTE_MS
        made = Desk(f"http://127.0.0.1:{port}", auditor, redis, begun_ms)
        await append(redis, *_calls(made.id, made.at_ms, count))

        async def stored() -> bool | None:
            return len(await auditor.listed()) == count or None

        await eventually(stored, what=f"{count} decisions")
        yield made
