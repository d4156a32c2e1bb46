"""What `pilote shadows` says: from copies in the audit service to tables and sentences in both languages."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.shadows import CopyEnd, Difference, ShadowResult
from gateway.redis_clients import Client
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc
from services.audit.entries import Copied
from services.audit.shadows import answered
from services.commands import shadow_texts
from services.commands.shadow_tables import Words
from tests.policies import policy
from tests.services.audit.conftest import Audit, an_id
from tests.services.audit.kinds import Kind
from tests.services.audit.test_copies import a_copy
from tests.services.audit.test_shadows import summed
from tests.services.test_cli import _run

ARMS = [{"name": "now", "upstream": "crm"}, {"name": "next", "upstream": "next-crm", "weight": 0}]
UPSTREAMS = [
    {"name": "crm", "address": "127.0.0.1:50061"},
    {"name": "next-crm", "address": "127.0.0.1:50062", "sandbox": True},
]


def copying(**copies: Any) -> dict[str, Any]:
    route = {"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": ARMS} | copies
    return policy(upstreams=UPSTREAMS, routes=[route])


async def publish(redis: Client, data: dict[str, Any]) -> None:
    document = msgspec.Raw(canonical(load(data).document))
    await RevisionStore(redis).publish(Published(sha256="0" * 64, author="", created_ms=1, document=document))


@pytest.fixture
async def run(audit: Audit, redis_url: str, tmp_path: Path) -> AsyncIterator[Any]:
    """Runs the command against this store and this audit service."""

    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server)

    async with serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as port:

        async def running(*arguments: str, lang: str = "en", listen: str = "") -> Any:
            listen = listen or f"127.0.0.1:{port}"
            settings = {"PILOTE_REDIS_URL": redis_url, "PILOTE_AUDIT_LISTEN": listen, "PILOTE_LANG": lang}
            return await asyncio.to_thread(_run, "shadows", *arguments, home=tmp_path, **settings)

        yield running


async def store(audit: Audit, *copies: ShadowResult) -> None:
    await audit.store.write([Copied(each, msgspec.json.encode(each), "acme") for each in copies])


def recent(number: int, **changes: Any) -> ShadowResult:
    return a_copy(number, received_ms=time.time_ns() // 1_000_000 - 60_000, **changes)


async def test_show_tells_agreement_differences_latency_and_costs(audit: Audit, run: Any) -> None:
    await publish(audit.redis, copying(shadow={"arm": "next"}))
    far = (Difference("contact.score", "changed", relative=0.25), Difference("", "missing"))
    await store(
        audit,
        *(recent(number, costs={"spend": 3}, served_costs={"spend": 2}) for number in range(7)),
        recent(7, end=CopyEnd.DIFFERED, differences=far),
        recent(8, end=CopyEnd.DIFFERED, verdict="DENY", reason="POLICY_DENIED", rule="no", rules_added=("no",)),
        recent(9, end=CopyEnd.FAILED, status="UNAVAILABLE"),
    )
    done = await run("show", "crm")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Copies of the route crm, of the last 1 d"
    assert "next\t-\tshadow\t10\t10\t7\t2\t1\t0\t0\t0\t77.8% [45.3%, 93.7%]" in lines
    assert "next\t-\t2.0 ms\t1.0 ms\t2.0 ms\t1.0 ms" in lines
    assert f"next\t-\tcontact.score\tchanged, by 25.0% at most\t1\t10.0%\t{an_id(7)}" in lines
    assert f"next\t-\tthe whole reply\tmissing\t1\t10.0%\t{an_id(7)}" in lines
    assert f"next\t-\tverdict DENY by no\tPOLICY_DENIED\t1\t10.0%\t{an_id(8)}" in lines
    assert f"next\t-\trule no\tapplies to the candidate only\t1\t10.0%\t{an_id(8)}" in lines
    assert f"next\t-\tstatus UNAVAILABLE\tits upstream failed\t1\t10.0%\t{an_id(9)}" in lines
    assert "next\t-\tspend\t7\t21\t14\t+50.0%" in lines
    assert "10.0% of the copies sent got no answer; they say nothing about agreement." in lines
    assert "Fewer than 100 copies could be compared: too few to rely on." in lines

    french = (await run("show", "crm", lang="fr")).stdout
    assert "77,8\u202f% [45,3\u202f% ; 93,7\u202f%]" in french
    told = json.loads((await run("show", "crm", "--json")).stdout)
    assert {each["path"] for each in told["summaries"][0]["fields"]} == {"", "contact.score"}
    assert (await run("show", "crm", "--since", "1s")).stdout.splitlines()[1:] == [
        "No call of this route was copied in this time."
    ]


async def test_list_names_every_shadow_and_mirror_of_the_policy(audit: Audit, run: Any) -> None:
    await publish(audit.redis, copying(shadow={"arm": "next", "share": 2_500}, mirror={"arm": "next"}))
    await store(audit, *(recent(number) for number in range(3)), recent(4, kind="mirror", end=CopyEnd.SENT))
    done = await run("list")
    assert done.stdout.splitlines() == [
        "route\tkind\tarm\tgoes to\tshare\tcopies\tagreement",
        "crm\tshadow\tnext\tnext-crm\t25 %\t3\t100.0% [43.9%, 100.0%]",
        "crm\tmirror\tnext\tnext-crm\t100 %\t1\t-",
    ]


async def test_what_cannot_be_told_is_said_with_what_to_do(audit: Audit, run: Any) -> None:
    done = await run("list")
    assert (done.returncode, done.stderr.strip()) == (1, "No policy is active yet: pilote apply FILE")
    await publish(audit.redis, copying())
    assert (await run("list")).stderr.startswith("No route of the active policy copies its calls")
    assert "routes with copies: -" in (await run("show", "crm")).stderr
    done = await run("list", "--since", "soon")
    assert (done.returncode, "1d or 12h" in done.stderr) == (2, True)
    await publish(audit.redis, copying(shadow={"arm": "next"}))
    done = await run("show", "crm", listen="127.0.0.1:1", lang="fr")
    assert (done.returncode, done.stderr.startswith("Le service d’audit ne répond pas")) == (1, True)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_text_is_there_in_both_languages_and_leaves_nothing_to_fill_in(stores: Kind, language: str) -> None:
    lost = [a_copy(number, end=CopyEnd.DROPPED, sent=False) for number in range(3)]
    others = [a_copy(number, version="2", end=CopyEnd.FAILED, status="INTERNAL") for number in range(3, 6)]
    refused = [a_copy(number, version="2", end=CopyEnd.DIFFERED, verdict="DENY") for number in range(6, 8)]
    (found,) = await summed(stores, [*lost, *others, *refused])
    words = Words(answered(found).summaries, language=language)
    told = [cell for table in words.tables() for row in table for cell in row] + list(words.sentences())
    assert all("{" not in text for text in told)
    assert all("|" not in cell for cell in told)
    assert any(sentence.startswith("next 2: ") for sentence in words.sentences())
    for english, french in shadow_texts._TEXTS.values():
        assert english.count("|") == french.count("|")
        assert {part.partition("}")[0] for part in english.split("{")[1:]} == {
            part.partition("}")[0] for part in french.split("{")[1:]
        }
