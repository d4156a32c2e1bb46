"""The demonstration, from an empty system to its closing tables."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.core.call import Facts
from gateway.core.consents import Consent
from gateway.core.texts import number
from gateway.rpc.channels import channel_to
from pilote.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from pilote.decision.v1 import decision_pb2
from services.demo import report, scenario
from services.demo.agents import Agent, Called
from services.demo.data import DemoContact, contacts
from services.texts import say

POLICY: Final = Path(__file__).parent / "policy.yaml"
ASKED_MS: Final = 1_767_603_600_000
"""When the contacts were asked for their consent: 5 January 2026, 9 h UTC."""
VISIBLE_SECONDS: Final = 30
"""Longest wait until the audit service has stored everything."""

PutFacts = Callable[[str, str, Facts], Awaitable[None]]
"""Stores the facts of a (tenant, subject)."""


class Keys:
    """Fresh API keys for the agents of the demonstration's policy."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._keys: dict[str, str] = {}

    def put_into(self, policy: Any) -> None:
        """Replace the hashes in the policy's plain data by those of fresh keys, and name the tenant."""
        for agent in policy["agents"]:
            agent["tenant"] = self.tenant
            key = self._keys[agent["name"]] = f"pilote_{agent['name']}_{secrets.token_urlsafe(32)}"
            agent["keys"] = [{"id": "demo", "sha256": hashlib.sha256(key.encode()).hexdigest()}]

    def __getitem__(self, agent: str) -> str:
        return self._keys[agent]


class Addresses(msgspec.Struct, frozen=True):
    """Where the demonstration finds things."""

    gateway: str
    audit: str


async def run(console: Console, *, keys: Keys, at: Addresses, put_facts: PutFacts, count: int, language: str) -> bool:
    """Let the agents work, then show what came of it; says whether every call left its record."""
    called: list[Called] = []
    people = await asyncio.to_thread(contacts, count)
    started_ms = int(time.time() * 1000)
    started = time.perf_counter()
    agents = {
        name: Agent(name, keys[name], address=at.gateway, tell=called.append)
        for name in ("import-bot", "research-bot", "sales-bot", "marketing-bot")
    }
    for person in people:
        await put_facts(keys.tenant, f"contacts/{person.contact_id}", facts_of(person))
    try:
        with _progress(console) as progress:
            await _work(agents, people, progress=progress, language=language)
            work_seconds = time.perf_counter() - started
            task = progress.add_task(say("phase-audit", language=language), total=len(called))
            decisions = await _stored(
                at.audit,
                tenant=keys.tenant,
                since_ms=started_ms,
                wanted=len(called),
                tell=lambda n: progress.update(task, completed=n),
            )
    finally:
        await asyncio.gather(*(agent.channel.close() for agent in agents.values()))
    report.show(console, decisions, called=called, weights={"1": 0.7, "2": 0.3}, language=language)
    complete = len(decisions) == len(called)
    values = {
        "calls": len(called),
        "records": len(decisions),
        "seconds": number(work_seconds, digits=1, language=language),
    }
    console.print(say("reconciled" if complete else "not-reconciled", language=language, **values))
    console.print(say("try-next", language=language))
    return complete


def facts_of(person: DemoContact) -> Facts:
    """What is known of a contact. LeadForge records no consents, so they are drawn here, by the contact's id."""
    draw = int(hashlib.sha256(person.contact_id.encode()).hexdigest(), 16) % 10
    asked = Consent(
        channel="email", status="granted" if draw > 3 else "refused", captured_ms=ASKED_MS, proof="demo: asked by mail"
    )
    return Facts(
        consent_records=() if draw == 0 else (asked,),
        time_zone=person.time_zone,
        language=person.language,
        segments=(person.seniority, person.industry),
        traits={"region": person.region},
        scores={"activities": float(person.activities_count)},
    )


async def _work(
    agents: dict[str, Agent], people: tuple[DemoContact, ...], *, progress: Progress, language: str
) -> None:
    def bar(phase: str, total: int) -> Callable[[], None]:
        task = progress.add_task(say(phase, language=language, count=len(people)), total=total)
        return lambda: progress.advance(task)

    await scenario.import_contacts(agents["import-bot"], people, bar("phase-import", len(people)))
    inferences: dict[str, str] = {}

    async def score_and_sell() -> None:
        found = await scenario.research(agents["research-bot"], people, bar("phase-research", len(people)))
        inferences.update(found)
        advance = bar("phase-sales", len(people))
        await scenario.sell(agents["sales-bot"], people, inferences=inferences, advance=advance)

    async with asyncio.TaskGroup() as group:
        group.create_task(score_and_sell())
        mails = len(people) * len(scenario.CAMPAIGNS)
        group.create_task(scenario.campaign(agents["marketing-bot"], people, bar("phase-marketing", mails)))
    await scenario.burst(agents["research-bot"], people, bar("phase-burst", scenario.BURST_CALLS))


async def _stored(
    address: str, *, tenant: str, since_ms: int, wanted: int, tell: Callable[[int], None]
) -> list[decision_pb2.Decision]:
    """All decisions since a time, once the audit service has as many as calls were made, each with its end."""
    deadline = time.monotonic() + VISIBLE_SECONDS
    async with channel_to(address) as channel:
        audit = audit_service_pb2_grpc.AuditServiceStub(channel)
        while True:
            decisions = await _all(audit, tenant=tenant, since_ms=since_ms)
            tell(len(decisions))
            running = any(d.state == decision_pb2.DECISION_STATE_RUNNING for d in decisions)
            if (len(decisions) >= wanted and not running) or time.monotonic() > deadline:
                return decisions
            await asyncio.sleep(0.2)


async def _all(audit: Any, *, tenant: str, since_ms: int) -> list[decision_pb2.Decision]:
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since_ms / 1000)) + f".{since_ms % 1000:03d}Z"
    found: list[decision_pb2.Decision] = []
    token = ""
    while True:
        request = audit_service_pb2.ListDecisionsRequest(
            filter=f'tenant = "{tenant}" AND receive_time >= "{since}"', page_size=1000, page_token=token
        )
        page = await audit.ListDecisions(request, timeout=60)
        found += page.decisions
        token = page.next_page_token
        if not token:
            return found


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
