"""What calls were decided by is opened for sums: not what a contract calls personal, and nothing of whom was erased."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway.adapters.sealing import Sealer
from gateway.adapters.subject_keys import SubjectKeys
from gateway.core.policy.document import Document
from gateway.core.record import subject_ref
from gateway.core.used import WrappedKey, packed
from pilote.audit.v1 import personal_pb2
from services.audit.entries import Admitted
from services.audit.explaining import Policies, no_policies
from services.commands.summing import Sums
from services.workbench.columns.database import Columns
from services.workbench.columns.reading import read_on
from services.workbench.columns.sums import HOUR_MS, KEPT_HOURS
from tests.services.audit.conftest import GRANTED, KEY, NOW_MS, a_record
from tests.services.workbench.conftest import Log

MASTER = b"m" * 32
CREATE = "/pilote.crm.v1.ContactService/CreateContact"
ADA, BOB = (subject_ref(KEY, tenant="acme", subject=name) for name in ("contacts/ada", "contacts/bob"))
OPEN = [("request.contact.region", "Bretagne"), ('facts.scores["churn"]', 0.25), ("facts.segments", ["gold"])]
PERSONAL = [
    *(("request.contact.email", "ada@example.com"), ('request.contact.attributes["x"]', "Ada")),
    *(("request.contact.unheard_of", "Ada"), ("call.subject", "contacts/ada")),
]


async def policies(_number: int, _sha256: str) -> Document:
    """Our own contracts, and no other."""
    return Document(agents=(), upstreams=(), routes=(), rules=())


def sealed(number: int, *, subject: str = ADA, method: str = CREATE, master: bytes = MASTER) -> Admitted:
    """An entry whose values are sealed, with the key beside it."""
    record = a_record(number, subject_ref=subject, method=method, revision_sha256="a" * 64)
    keys = SubjectKeys(Sealer((master,)))
    clear = packed([*OPEN, *PERSONAL])
    values, beside = keys.seal(clear, tenant="acme", subject_ref=subject, decision=record.id, now_ms=NOW_MS)
    record = msgspec.structs.replace(record, values=values)
    key = msgspec.json.decode(beside, type=WrappedKey)
    return Admitted(record, GRANTED, msgspec.json.encode(record), msgspec.json.encode(GRANTED), key)


async def opened(log: Log, *entries: Admitted, policies: Policies = policies) -> list[list[tuple[str, Any]]]:
    """What may be measured of each of them that was opened."""
    found = await Sums(Sealer((MASTER,)), policies).opened([each.raw_record for each in entries], log.stub, since_ms=0)
    return [list(found[each.id]) for each in entries if each.id in found]


async def test_what_a_contract_calls_personal_or_does_not_know_is_left_out(log: Log) -> None:
    await log.add([sealed(0)])
    assert await opened(log, sealed(0)) == []  # another key than the one that was stored
    stored = sealed(1)
    await log.add([stored])
    assert await opened(log, stored) == [OPEN]


class Unpacking:
    """An audit service of an earlier version: it packs no keys."""

    def __init__(self, log: Log) -> None:
        self._stub = log.stub

    async def ReadKeys(self, request: personal_pb2.ReadKeysRequest, **options: Any) -> Any:  # noqa: N802 - gRPC's spelling
        asked = personal_pb2.ReadKeysRequest(tenant=request.tenant, ids=request.ids)
        return await self._stub.ReadKeys(asked, **options)


async def test_an_audit_service_that_packs_no_keys_is_understood(log: Log) -> None:
    stored = [sealed(0), sealed(1, subject=BOB)]
    await log.add(stored)
    records, sums = [each.raw_record for each in stored], Sums(Sealer((MASTER,)), policies)
    earlier: Any = Unpacking(log)
    found = await sums.opened(records, earlier, since_ms=0)
    assert len(found) == 2
    assert found == await sums.opened(records, log.stub, since_ms=0)


@pytest.mark.parametrize(("method", "asked"), [("/other.v1.Service/Call", policies), (CREATE, no_policies)])
async def test_of_a_method_that_no_known_policy_describes_only_facts_are_measured(
    log: Log, method: str, asked: Policies
) -> None:
    stored = sealed(0, method=method)
    await log.add([stored])
    assert await opened(log, stored, policies=asked) == [OPEN[1:]]


async def test_whoever_was_erased_is_in_no_sum_and_everybody_else_is(log: Log, tmp_path: Path) -> None:
    await log.add([sealed(0), sealed(1, subject=BOB)])
    await log.stub.EraseSubject(personal_pb2.EraseSubjectRequest(subject="contacts/ada", tenant="acme", reason="asked"))
    await log.checkpoints.now()
    sums = Sums(Sealer((MASTER,)), policies)
    columns = Columns(tmp_path / "columns", summing=sums)
    assert await read_on(columns, log.stub) == 3
    counted = columns.asked("SELECT CAST(subject AS VARCHAR) AS subject, summed FROM admitted ORDER BY leaf")
    assert dict(zip(counted["subject"].tolist(), counted["summed"].tolist(), strict=True)) == {
        str(_uuid(ADA)): False,
        str(_uuid(BOB)): True,
    }
    found = columns.sums(start_hour=0, end_hour=1 << 40, least=1, most=100)
    wanted = {("input", ""), ("score", ""), ("segments", "")}
    wanted |= {(measure, "gold") for measure in ("input", "score", "segments", "verdict")}
    assert {(group.measure, group.segment): its.size for group, its in found} == dict.fromkeys(wanted, 1.0)
    columns.close()
    for file in (tmp_path / "columns").rglob("*"):
        assert not any(each in file.read_bytes() for each in (b"Bretagne", b"example.com", b"contacts/"))


async def test_a_store_that_does_not_answer_is_told_as_that_and_the_log_is_read_on_later(
    log: Log, tmp_path: Path
) -> None:
    async def down(_number: int, _sha256: str) -> Document:
        raise RedisConnectionError

    await log.add([sealed(0)])
    columns = Columns(tmp_path / "columns", summing=Sums(Sealer((MASTER,)), down))
    with pytest.raises(RedisConnectionError):
        await read_on(columns, log.stub)
    columns.summing = Sums(Sealer((MASTER,)), policies)
    assert await read_on(columns, log.stub) == 1
    columns.close()


async def test_what_is_too_old_to_be_looked_at_is_read_and_not_summed_up(log: Log, tmp_path: Path) -> None:
    await log.add([sealed(0), sealed(1)])
    limit_ms = sealed(1).record.received_ms + KEPT_HOURS * HOUR_MS
    columns = Columns(tmp_path / "columns", summing=Sums(Sealer((MASTER,)), policies))
    assert await read_on(columns, log.stub, now_ms=limit_ms) == 2
    summed = columns.asked("SELECT summed FROM admitted ORDER BY leaf")["summed"].tolist()
    assert summed == [False, True], "kept for as long as the sums of its hour"
    columns.close()


async def test_without_the_right_master_key_nothing_is_measured_and_the_log_is_read_all_the_same(
    log: Log, tmp_path: Path
) -> None:
    await log.add([sealed(0, master=b"o" * 32)])
    sums = Sums(Sealer((MASTER,)), policies)
    columns = Columns(tmp_path / "columns", summing=sums)
    assert await read_on(columns, log.stub) == 1
    assert list(columns.sums(start_hour=0, end_hour=1 << 40, least=1, most=100)) == []
    columns.close()


def _uuid(ref: str) -> str:
    return f"{ref[:8]}-{ref[8:12]}-{ref[12:16]}-{ref[16:20]}-{ref[20:]}"
