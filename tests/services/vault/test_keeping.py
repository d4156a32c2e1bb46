"""The vault, spoken to over gRPC beside a real log: what is noted, what is erased, and what no answer tells."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from gateway.core.record import subject_ref
from gateway.redis_clients import Client
from gateway.rpc.serving import serving
from pilote.audit.v1 import personal_pb2
from pilote.vault.v1 import vault_service_pb2 as pb
from pilote.vault.v1.vault_service_pb2_grpc import VaultServiceStub, add_VaultServiceServicer_to_server
from services.commands.noting import Operator
from services.control.changes import Changes
from services.control.owing import Owing
from services.control.undone import Undone
from services.control.vault.desk import Loading, VaultDesk, WrongRows
from services.vault.keeping import Keeper
from services.vault.noting import note_reading
from services.vault.serving import SERVICE, VaultServicer
from services.vault.store import DAY_MS, Vault
from tests.services.audit.conftest import KEY, NOW_MS
from tests.services.workbench.conftest import Log

ADA = Operator("operator:ada")
CSV = "customer,value\ncontacts/1,female\ncontacts/2,male\n"


@dataclass
class House:
    """A vault that is served, and who keeps it."""

    vault: Vault
    desk: VaultDesk
    keeper: Keeper
    log: Log
    owing: Owing
    now_ms: list[int] = field(default_factory=list)

    async def load(self, csv: str = CSV, *, attribute: str = "gender", keep_days: int = 30) -> pb.Attribute:
        wanted = Loading(
            tenant="acme",
            attribute=attribute,
            csv=csv,
            purpose="to see whether offers are fair",
            legal_basis="consent",
            keep_days=keep_days,
        )
        return await self.desk.load(wanted, who=ADA)

    async def notes(self) -> list[personal_pb2.Note]:
        await self.owing.pay(seconds=30)  # a busy log may be owed the note of a deletion
        request = personal_pb2.ListNotesRequest(kind="change", resource="vault/")
        return list(reversed((await self.log.stub.ListNotes(request)).notes))


@pytest.fixture
async def house(log: Log, redis: Client, tmp_path: Path) -> AsyncIterator[House]:
    vault, now_ms = Vault(tmp_path / "vault", [bytes(32)]), [NOW_MS]
    servicer = VaultServicer(vault, compared=pb.ListComparisonsResponse, clock_ms=lambda: now_ms[0])
    async with contextlib.AsyncExitStack() as stack:
        port = await stack.enter_async_context(
            serving(
                lambda server: add_VaultServiceServicer_to_server(servicer, server),
                listen="127.0.0.1:0",
                names=(SERVICE,),
                drain_seconds=0,
            )
        )
        stub = VaultServiceStub(await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}")))
        owing = Owing(redis, log.stub, clock_ms=lambda: now_ms[0])
        desk = VaultDesk(stub, Changes(log.stub, owing=owing), pseudonym_key=KEY)
        yield House(vault, desk, Keeper(vault, log.stub, clock_ms=lambda: now_ms[0]), log, owing, now_ms)
    vault.close()


def ref(customer: str) -> str:
    return subject_ref(KEY, tenant="acme", subject=customer)


async def test_a_load_is_known_by_the_pseudonyms_of_the_log_and_noted_without_a_value(house: House) -> None:
    held = await house.load()
    assert (held.attribute, held.people, held.legal_basis) == ("gender", 2, "consent")
    assert dict(house.vault.read("acme", "gender", now_ms=NOW_MS)) == {
        ref("contacts/1"): "female",
        ref("contacts/2"): "male",
    }
    (note,) = await house.notes()
    assert (note.person, note.change.operation, note.resource) == ("operator:ada", "load", "vault/acme/gender")
    assert '"people":2' in note.change.after.json
    assert note.reason == "to see whether offers are fair"
    assert not re.search(rb"female|male|contacts", note.raw)


async def test_wrong_lines_are_said_and_nothing_of_the_file_is_taken(house: House) -> None:
    with pytest.raises(WrongRows) as wrong:
        await house.load(CSV + "contacts/3,Frau\n")
    assert wrong.value.more == {"lines": [{"line": 4, "problem": "value"}]}
    assert "line 4" in wrong.value.said("en")
    assert "ligne 4" in wrong.value.said("fr")
    assert house.vault.held() == ()
    assert await house.notes() == []


@pytest.mark.parametrize(
    ("attribute", "keep_days", "code"), [("religion", 30, "vault-attribute"), ("gender", 367, "vault-days")]
)
async def test_what_the_vault_does_not_know_or_keep_so_long_is_refused(
    house: House, attribute: str, keep_days: int, code: str
) -> None:
    with pytest.raises(Undone) as undone:
        await house.load(attribute=attribute, keep_days=keep_days)
    assert undone.value.code == code
    assert undone.value.said("fr")


async def test_deleting_is_noted_with_who_and_why(house: House) -> None:
    await house.load()
    assert await house.desk.forget("acme", attribute="", customer="contacts/1", reason="she withdrew", who=ADA) == 1
    assert set(house.vault.read("acme", "gender", now_ms=NOW_MS)) == {ref("contacts/2")}
    assert await house.desk.forget("acme", attribute="gender", customer="", reason="it is over", who=ADA) == 1
    assert house.vault.held() == ()
    assert [(each.change.operation, each.resource) for each in await house.notes()] == [
        ("load", "vault/acme/gender"),
        ("forget", "vault/acme/*"),
        ("forget", "vault/acme/gender"),
    ]


async def test_who_is_erased_from_the_log_leaves_the_vault_too(house: House) -> None:
    await house.load()
    await house.keeper.step()
    for customer, tenant in (("contacts/1", "acme"), ("contacts/2", "other")):
        erase = personal_pb2.EraseSubjectRequest(subject=customer, tenant=tenant, reason="asked for")
        await house.log.stub.EraseSubject(erase)
    await house.keeper.step()
    assert set(house.vault.read("acme", "gender", now_ms=NOW_MS)) == {ref("contacts/2")}
    await house.load()  # who came back since is known again
    await house.keeper.step()
    assert len(house.vault.read("acme", "gender", now_ms=NOW_MS)) == 2


async def test_what_is_over_is_deleted_by_itself_and_noted(house: House) -> None:
    await house.load(keep_days=1)
    house.now_ms[0] += DAY_MS - 1
    await house.keeper.step()
    assert house.vault.held()[0].people == 2
    house.now_ms[0] += 1
    await house.keeper.step()
    await house.keeper.step()
    assert house.vault.held()[0].people == 0
    _, note = await house.notes()
    assert (note.person, note.change.operation, note.resource) == ("pilote:insights", "expire", "vault/acme/gender")
    assert note.change.after.json == '{"people":2}'


async def test_a_reading_is_noted_with_its_purpose(house: House) -> None:
    await house.load()
    await note_reading(house.log.stub, house.vault.held()[0])
    note = (await house.notes())[-1]
    assert (note.change.operation, note.change.after.json) == ("analyze", '{"people":2}')
    assert note.reason == "to see whether offers are fair"


async def test_no_answer_can_carry_what_is_known_of_one_person(house: House) -> None:
    answers = [method.output_type for method in pb.DESCRIPTOR.services_by_name["VaultService"].methods_by_name.values()]
    kinds, names = list(answers), set()
    while kinds:
        for one in kinds.pop().fields:
            names.add(one.name)
            if one.message_type is not None and one.message_type.file == pb.DESCRIPTOR:
                kinds.append(one.message_type)
    assert "comparisons" in names
    assert not names & {"subject", "subject_ref", "customer", "value"}


async def test_a_vault_that_does_not_answer_is_said_in_both_languages(log: Log) -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        desk = VaultDesk(VaultServiceStub(channel), Changes(log.stub), pseudonym_key=KEY)
        for asked in (desk.held, desk.weeks):
            with pytest.raises(Undone) as undone:
                await asked()
            assert undone.value.code == "vault-down"
            assert "coffre" in undone.value.said("fr")
