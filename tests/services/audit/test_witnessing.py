"""A witness signs a log that only grows, and no other."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pilote.audit.v1 import audit_service_pb2 as pb
from pilote.audit.v1 import audit_service_pb2_grpc
from services.audit.proofs.checkpoints import Checkpoints
from services.commands.export_reading import verify
from services.commands.exporting import Wanted, export
from services.commands.witnessing import Seen, witness
from services.proof.notes import WITNESS, Signer, read_note
from services.proof.verifying import Broken, Trust
from tests.services.audit.conftest import NOW_MS, SIGNER, Audit
from tests.services.audit.test_exports import OTHER, _silent, address
from tests.services.audit.test_log import admitted
from tests.services.test_cli import _run

__all__ = ["address"]
WHO = Signer("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32), kind=WITNESS)
STRANGER = Signer("witness.example/x", Ed25519PrivateKey.from_private_bytes(b"x" * 32), kind=WITNESS)


@pytest.fixture
def audit(audit: Audit) -> Audit:
    """A service that knows one witness."""
    audit.checkpoints = Checkpoints(audit.store.log, signer=SIGNER, clock_ms=lambda: audit.now_ms, witnesses=(WHO.key,))
    return audit


async def look(address: str, state: Path, signer: Signer = WHO, **changes: Any) -> Seen:
    wanted: dict[str, Any] = {"key": SIGNER.key, "now_s": NOW_MS // 1_000} | changes
    return await witness(address, signer=signer, state=state, **wanted)


async def test_a_witness_signs_what_continues_what_it_has_seen(audit: Audit, address: str, tmp_path: Path) -> None:
    state, file = tmp_path / "state", tmp_path / "a.jsonl"
    sizes = []
    for number in range(100, 103):
        await audit.checkpoints.now()
        seen = await look(address, state)
        sizes.append((0 if seen.before is None else seen.before.size, seen.checkpoint.size))
        await audit.store.write([admitted(number)])
    await audit.checkpoints.now()
    await export(address, file, Wanted("", "jsonl", proofs=False, previous_size=0, witnessed=True), progress=_silent)
    report = verify(file, Trust(SIGNER.key, None, (WHO.key,)))

    assert sizes == [(0, 21), (21, 22), (22, 23)]
    assert (report.problems, report.cosigned_s) == ((), (NOW_MS // 1_000,))
    assert report.checkpoint is not None
    assert report.checkpoint.size == 23  # what came later no witness has seen


async def test_a_witness_refuses_a_log_that_was_rewritten_or_is_older(
    audit: Audit, address: str, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    await audit.checkpoints.now()
    for size, root, wanted in (
        (20, b"\x00" * 32, "rewritten"),
        (21, b"\x00" * 32, "forked"),
        (22, b"\x00" * 32, "older"),
    ):
        note = SIGNER.note(f"{SIGNER.key.name}\n{size}\n{'A' * 43}=\n").whole
        state.write_text(note, encoding="utf-8")
        with pytest.raises(Broken) as refused:
            await look(address, state)
        assert (refused.value.problem.what, root) == (wanted, bytes(32))
        assert state.read_text(encoding="utf-8") == note

    state.write_text("damaged", encoding="utf-8")
    with pytest.raises(Broken):
        await look(address, state)
    assert await audit.store.log.newest(cosigned=True) is None


async def test_a_witness_refuses_a_log_of_another_key(address: str, tmp_path: Path) -> None:
    with pytest.raises(Broken) as refused:
        await look(address, tmp_path / "state", key=OTHER.key)

    assert refused.value.problem.what == "checkpoint-unsigned"


async def test_only_a_known_witness_and_a_checkpoint_of_ours_is_taken(
    audit: Audit, address: str, tmp_path: Path
) -> None:
    note = read_note((await audit.checkpoints.now()).note)
    foreign = OTHER.note(note.text.replace("21", "20"))
    with pytest.raises(grpc.aio.AioRpcError) as stranger:
        await look(address, tmp_path / "state", STRANGER)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        for wrong in ("", "x", WHO.cosign(foreign, at_s=1).whole):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.AddCosignature(pb.AddCosignatureRequest(note=wrong))
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(grpc.aio.AioRpcError) as none_yet:
            await stub.GetCheckpoint(pb.GetCheckpointRequest(cosigned=True))
        both = STRANGER.cosign(WHO.cosign(note, at_s=1), at_s=1)
        kept = (await stub.AddCosignature(pb.AddCosignatureRequest(note=both.whole))).checkpoint

    assert stranger.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert none_yet.value.code() is grpc.StatusCode.NOT_FOUND
    assert [each.name for each in read_note(kept.note).signatures] == [SIGNER.key.name, WHO.key.name]


async def test_a_witness_works_by_the_command_line(audit: Audit, address: str, tmp_path: Path) -> None:
    def run(*arguments: str, **settings: str) -> tuple[int, str]:
        done = _run("audit", "witness", *arguments, home=tmp_path, PILOTE_AUDIT_LISTEN=address, **settings)
        return done.returncode, done.stdout + done.stderr

    def at_work() -> str:
        code, key = run("--show-key", "--name", "witness.example/w")
        assert (code, key.startswith("witness.example/w+")) == (0, True)
        code, said = run("--log-key", SIGNER.key.text, "--name", "witness.example/w")
        assert (code, "PILOTE_WITNESS_KEYS_FILE" in said) == (1, True)
        code, said = run("--log-key", OTHER.key.text, PILOTE_LANG="fr")
        assert (code, "Non signé" in said) == (1, True)
        return key.strip()

    from services.proof.notes import read_key

    key = read_key(await asyncio.to_thread(at_work))
    audit.checkpoints._witnesses = (key,)
    code, said = await asyncio.to_thread(run, "--log-key", SIGNER.key.text, "--name", "witness.example/w")
    assert (code, "Seen and signed" in said) == (0, True)
