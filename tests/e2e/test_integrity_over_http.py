"""A log that was cut or rewritten is found out over HTTP, and systems are seen as recorded calls show them."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pilote.audit.v1.audit_service_pb2 import GetCheckpointRequest
from services.control.access.rights import Role
from services.control.integrity import Verification
from services.proof.notes import Signer, read_key, read_note, signed_by
from tests.e2e.requests import get
from tests.e2e.steering import Steering, steering
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World, credential, told

SRE = {"*": [Role.SRE]}
VERIFIED = "pilote:control:{control}:verified"


@pytest.fixture
async def people(world: World, auditor: Auditor) -> AsyncIterator[Steering]:
    async with steering(world, audit=auditor.address) as found:
        yield found


async def _recorded(people: Steering, world: World, auditor: Auditor, count: int) -> None:
    """Make a call, and wait until the newest checkpoint covers so many entries at least."""
    await told(world.agent().contacts.GetContact(get(), metadata=credential("sales-bot")))

    async def covered() -> bool | None:
        _, shown = await people.ask("GET", "/v1/integrity")
        return (shown["checkpoint"] or {}).get("treeSize", 0) >= count or None

    await eventually(covered, what=f"{count} entries")


async def test_a_log_that_has_only_grown_is_consistent_and_one_that_was_cut_is_not(
    people: Steering, world: World, auditor: Auditor
) -> None:
    await _recorded(people, world, auditor, 2)
    status, first = await people.ask("POST", "/v1/integrity:verify", roles=SRE)
    assert (status, first["result"], first["by"], first["beforeTreeSize"]) == (200, "FIRST", "zoe", 0)
    await _recorded(people, world, auditor, first["treeSize"] + 2)
    _, second = await people.ask("POST", "/v1/integrity:verify", roles=SRE)
    assert (second["result"], second["beforeTreeSize"]) == ("CONSISTENT", first["treeSize"])
    assert (await people.ask("GET", "/v1/integrity"))[1]["verification"] == second

    known = msgspec.json.decode(await world.redis.get(VERIFIED) or b"", type=Verification)
    origin, size, root, *rest = known.note.split("\n")
    other = root[:-2] + ("A" if root[-2] != "A" else "B") + "="
    for forged in ("\n".join((origin, size, other, *rest)), "\n".join((origin, "99999", root, *rest)), "no note"):
        await world.redis.set(VERIFIED, msgspec.json.encode(msgspec.structs.replace(known, note=forged)))
        for _ in range(2):  # it stays so
            _, found = await people.ask("POST", "/v1/integrity:verify", roles=SRE)
            assert found["result"] == "INCONSISTENT"


async def test_a_checkpoint_that_another_key_has_signed_than_last_time_is_found_out(
    people: Steering, world: World, auditor: Auditor
) -> None:
    await _recorded(people, world, auditor, 2)
    _, first = await people.ask("POST", "/v1/integrity:verify", roles=SRE)
    answer = await auditor.stub.GetCheckpoint(GetCheckpointRequest())
    assert first["key"] == answer.verifier_key == (await people.ask("GET", "/v1/integrity"))[1]["verification"]["key"]
    assert signed_by(read_note(first["note"]), read_key(first["key"]))

    known = msgspec.json.decode(await world.redis.get(VERIFIED) or b"", type=Verification)
    name = read_key(known.key).name
    other = Signer(name, Ed25519PrivateKey.generate()).key.text
    await world.redis.set(VERIFIED, msgspec.json.encode(msgspec.structs.replace(known, key=other)))
    for _ in range(2):  # it stays so
        _, found = await people.ask("POST", "/v1/integrity:verify", roles=SRE)
        assert (found["result"], found["key"]) == ("UNSIGNED", other)


async def test_who_may_not_verifies_nothing(people: Steering) -> None:
    assert (await people.ask("POST", "/v1/integrity:verify"))[0] == 403
    assert (await people.ask("POST", "/v1/integrity:verify", roles={"acme": [Role.SRE]}))[0] == 403


async def test_without_the_audit_service_only_what_it_knows_is_missing(world: World) -> None:
    async with steering(world) as people:
        _, shown = await people.ask("GET", "/v1/integrity")
        assert (shown["checkpoint"], shown["erasures"], shown["spooled"]) == (None, None, 0)
        assert (await people.ask("POST", "/v1/integrity:verify", roles=SRE))[0] == 503
