"""Decisions, as tables: each file in `cases/decide` is a policy, and calls with the decision that is wanted."""

import functools
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from google.protobuf import json_format

from gateway.activation.loading import load
from gateway.core.call import UNKNOWN_SUBJECT, Facts
from gateway.core.decide import Decision, decide, unrouted
from gateway.core.progress import Progress
from gateway.core.record import contact_ref, subject_ref
from gateway.core.revision.compiled import Revision
from gateway.core.routing import route
from gateway.messages.describe import describe
from tests.policies import demo, policy

KEY = b"k" * 32
CASES = {
    f"{path.stem}: {told['name']}": (told["policy"], case)
    for path in sorted((Path(__file__).parent / "cases" / "decide").glob("*.yaml"))
    for told in [yaml.safe_load(path.read_text(encoding="utf-8"))]
    for case in told.pop("calls")
    for told["name"] in [case["name"]]
}


def decision_on(sections: Any, case: dict[str, Any]) -> Decision:
    """What the policy says to the case's call."""
    return decided(_loaded(yaml.safe_dump(sections)), case)


def decided(revision: Revision, case: dict[str, Any]) -> Decision:
    """What the revision says to the case's call."""
    method = revision.methods[case["method"]]
    message: Any = method.contract.decode(b"")
    json_format.ParseDict(case.get("request", {}), message)
    call = describe(method.contract, message.SerializeToString(), metadata={})
    agent = next(agent for agent in revision.agents_by_key.values() if agent.name == case.get("agent", "bot"))
    ref = subject_ref(KEY, tenant=agent.tenant, subject=call.subject) if call.subject else ""
    point = _point(call.contact_point, tenant=agent.tenant)
    call = msgspec.structs.replace(call, subject_ref=ref, contact_ref=point)
    facts = facts_of(case["facts"], tenant=agent.tenant) if "facts" in case else UNKNOWN_SUBJECT
    now_ms = _ms(case.get("now", "2026-01-15T12:00:00+00:00"))
    progress = msgspec.convert(case.get("progress", {}), dict[str, Progress])
    values = unrouted(revision, method, agent=agent, call=call, facts=facts, now_ms=now_ms, progress=progress)
    found = route(method.routing, call, facts=facts, values=values, now_ms=now_ms, draw=case.get("draw", 0.0))
    return decide(
        revision,
        method,
        agent=agent,
        call=call,
        facts=facts,
        route=found.route,
        ref=lambda text: subject_ref(KEY, tenant=agent.tenant, subject=text),
        now_ms=now_ms,
        approved=case.get("approved", False),
        progress=progress,
        values=values,
    )


def facts_of(told: dict[str, Any], *, tenant: str) -> Facts:
    """Facts as the tables write them: statements have times that people read, and contact points in the clear."""
    records = []
    for told_record in told.get("consent_records", ()):
        record = {"status": "granted", **told_record}
        record["contact_point"] = _point(record.get("contact_point", ""), tenant=tenant)
        record["captured_ms"] = _ms(record.pop("captured"))
        record["withdrawn_ms"] = _ms(record.pop("withdrawn")) if "withdrawn" in record else 0
        records.append(record)
    return msgspec.convert(told | {"consent_records": records}, Facts)


def _point(contact_point: str, *, tenant: str) -> str:
    return contact_ref(KEY, tenant=tenant, contact_point=contact_point) if contact_point else ""


def _ms(told: str | datetime) -> int:
    at = datetime.fromisoformat(told) if isinstance(told, str) else told
    return int(at.timestamp() * 1000)


@functools.cache
def _loaded(sections: str) -> Revision:
    told = yaml.safe_load(sections)
    return load(demo() if told == "demo" else policy(**told), number=7)


def shown(decision: Decision) -> dict[str, Any]:
    """A decision as the tables write it; what a rule said when it failed is the engine's own affair."""
    told: dict[str, Any] = {"verdict": decision.verdict.value, "rule": decision.rule}
    if decision.reason is not None:
        told["reason"] = decision.reason.value
    if decision.message is not None:
        told["says"] = decision.message.en
    if decision.citation:
        told["cites"] = decision.citation
    if decision.details:
        told["tells"] = " ".join(f"{key}={value}" for key, value in decision.details)
    for name in ("level", "would", "objective"):
        if getattr(decision, name):
            told[name] = getattr(decision, name)
    if decision.retry_after_ms is not None:
        told["retry_after_ms"] = decision.retry_after_ms
    told["looks"] = [
        f"{look.rule} {look.effect}{' (monitor)' * (look.mode == 'monitor')}{' failed' * bool(look.error)}"
        for look in decision.looks
    ]
    if decision.redacting:
        told["redacting"] = list(decision.redacting)
    told["buckets"] = [f"{b.limit} {b.kind} {b.capacity} per {b.period_ms} ms" for b in decision.buckets]
    return told


@pytest.mark.parametrize("name", CASES)
def test_the_decision_is_the_wanted_one(name: str) -> None:
    sections, case = CASES[name]
    assert shown(decision_on(sections, case)) == {"looks": [], "buckets": [], "rule": "", **case["wanted"]}


@pytest.mark.parametrize("name", CASES)
def test_the_same_input_gives_the_same_bytes_again(name: str) -> None:
    sections, case = CASES[name]
    first, again = (msgspec.json.encode(decision_on(sections, case)) for _ in range(2))
    assert first == again


def test_deciding_needs_no_server_no_store_and_no_web_framework() -> None:
    program = (
        "import sys, gateway.core.decide;"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "print(sorted(loaded & {'grpc', 'redis', 'hiredis', 'litestar', 'opentelemetry', 'jwt', 'yaml'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
