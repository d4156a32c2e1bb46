"""Consents at the command line: put on record, taken back, shown, imported; nothing personal is kept."""

import os
import subprocess
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from gateway.adapters.consents import ConsentStore
from gateway.core.call import Facts
from gateway.core.proofs import is_personal
from gateway.core.record import contact_ref, subject_ref
from gateway.key_files import pseudonym_key
from gateway.messages.contact_points import normalised
from services.commands.fact_lines import read_line
from tests.services import command_line

ADA = "contacts/ada"
ACME = ("--tenant", "acme")


class Desk:
    """The command `pilote consents` on a home and a store of its own."""

    def __init__(self, home: Path, redis: Redis, url: str) -> None:
        self._home, self._redis, self._url = home, redis, url
        self.key = pseudonym_key(home / "secrets" / "pseudonym.key")

    def run(self, *arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
        own = {"PILOTE_HOME": str(self._home), "PILOTE_REDIS_URL": self._url, "PILOTE_LANG": language}
        return command_line.pilote(*arguments, environment={**kept, **own, "COLUMNS": "200"})

    async def facts(self) -> Facts:
        ref = subject_ref(self.key, tenant="acme", subject=ADA)
        return await ConsentStore(self._redis).read("acme", ref) or Facts()


@pytest.fixture
def desk(tmp_path: Path, redis: Redis, redis_url: str) -> Desk:
    return Desk(tmp_path, redis, redis_url)


async def test_a_consent_is_recorded_with_basis_and_proof_taken_back_and_shown(desk: Desk) -> None:
    point = ("--contact-point", "+33 6 12 34 56 78")
    about = (ADA, *ACME, "--channel", "phone", "--channel", "sms", "--purpose", "marketing", *point)

    made = desk.run(
        "consents", "record", *about, "--basis", "contract", "--proof", "form-7", "--at", "2026-01-02T10:00Z"
    )
    taken = desk.run("consents", "withdraw", *about, "--proof", "call-8", language="fr")
    refused = desk.run("consents", "refuse", ADA, *ACME, "--channel", "postal")

    assert (made.returncode, taken.returncode, refused.returncode) == (0, 0, 0), made.stderr + taken.stderr
    assert "may be contacted by phone, sms for marketing" in made.stdout
    assert "retire son consentement" in taken.stdout
    records = (await desk.facts()).consent_records
    ref = contact_ref(desk.key, tenant="acme", contact_point="+33612345678")
    assert [(each.channel, each.status, each.contact_point, each.proof) for each in records] == [
        ("phone", "granted", ref, "form-7"),
        ("sms", "granted", ref, "form-7"),
        ("phone", "withdrawn", ref, "call-8"),
        ("sms", "withdrawn", ref, "call-8"),
        ("postal", "refused", "", ""),
    ]
    assert {each.captured_ms for each in records[:4]} == {1_767_348_000_000}
    assert records[2].withdrawn_ms > records[2].captured_ms
    shown = desk.run("consents", "show", ADA, *ACME, language="fr").stdout.splitlines()
    assert shown[0] == f"2026-01-02T10:00:00Z  phone  marketing  accordé  contract  {ref}  form-7"
    assert "retiré" in shown[3]
    assert "612345678" not in "".join(shown) + made.stdout + taken.stdout


@pytest.mark.parametrize(
    ("arguments", "english", "french"),
    [
        (("--channel", "phone", "--contact-point", "0612345678"), "telephone number with its country", "avec son pays"),
        (("--channel", "email", "--proof", "ada@example.org"), "without address", "sans adresse"),
        (("--channel", "email", "--at", "yesterday"), "yesterday is no time", "n’est pas une date"),
        (("--channel", "e mail"), "cannot be put on record", "Impossible à enregistrer"),
        (("--channel", "email", "--basis", "hope"), "cannot be put on record", "Impossible à enregistrer"),
    ],
)
async def test_what_cannot_be_recorded_is_told_and_changes_nothing(
    desk: Desk, arguments: tuple[str, ...], english: str, french: str
) -> None:
    for language, wanted in (("en", english), ("fr", french)):
        done = desk.run("consents", "record", ADA, *ACME, *arguments, language=language)
        assert (done.returncode, wanted in done.stderr) == (2, True), done.stderr
        assert "0612345678" not in done.stderr
    assert await desk.facts() == Facts()


def test_without_a_policy_the_tenant_must_be_named(desk: Desk) -> None:
    done = desk.run("consents", "show", ADA)
    assert (done.returncode, "--tenant" in done.stderr) == (2, True)
    assert "Nothing is on record" in desk.run("consents", "show", ADA, *ACME).stdout


async def test_an_import_understands_old_and_new_facts_and_forgets_no_refusal(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("consents", "refuse", ADA, *ACME, "--channel", "email").returncode == 0
    said = {"channel": "email", "status": "granted", "captured_ms": 5, "contact_point": "Ada@Example.org", "proof": "f"}
    facts = {"consents": {"push": True}, "time_zone": "Europe/Paris", "consent_records": [said]}
    file = tmp_path / "facts.jsonl"
    file.write_bytes(msgspec.json.encode({"tenant": "acme", "subject": ADA, "facts": facts}))

    assert "1 subjects" in desk.run("facts", "import", str(file)).stdout

    found = await desk.facts()
    assert (found.consents, found.time_zone) == ({"push": True}, "Europe/Paris")
    assert [each.status for each in found.consent_records] == ["refused", "granted"]
    ref = contact_ref(desk.key, tenant="acme", contact_point="ada@example.org")
    assert found.consent_records[1].contact_point == ref
    assert "push: granted, without time or proof" in desk.run("consents", "show", ADA, *ACME).stdout


async def test_damaged_facts_are_replaced_where_an_import_is_told_to_and_else_left_alone(
    desk: Desk, tmp_path: Path, redis: Redis
) -> None:
    file = tmp_path / "facts.jsonl"
    file.write_bytes(msgspec.json.encode({"tenant": "acme", "subject": ADA, "facts": {"language": "fr"}}))
    assert desk.run("facts", "import", str(file)).returncode == 0
    (key,) = [key async for key in redis.scan_iter("*:facts:*")]
    times = key.replace(b":facts:", b":times:")
    await redis.mset({key: b"{", times: b"["})
    for language, wanted in (("en", "--replace-damaged"), ("fr", "est endommagé")):
        done = desk.run("facts", "import", str(file), language=language)
        assert (done.returncode, wanted in done.stderr) == (1, True), done.stderr
    assert await redis.get(key) == b"{"
    assert desk.run("facts", "import", str(file), "--replace-damaged").returncode == 0
    assert (await desk.facts()).language == "fr"
    assert not await redis.exists(times)


def test_a_line_whose_unit_is_no_pseudonym_is_told() -> None:
    line = msgspec.json.encode({"tenant": "acme", "subject": ADA, "facts": {"unit": "ada@example.org"}})
    with pytest.raises(ValueError, match="unit"):
        read_line(line, pseudonym_key=b"k" * 32)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"contact_point": "ada"}, "contact_point must be one e-mail address"),
        ({"proof": "told by +33 6 12 34 56 78"}, "without address or number"),
        ({"status": "yes"}, "Invalid enum value"),
        ({"at": 5}, "unknown field"),
    ],
)
def test_a_line_with_a_statement_that_cannot_be_kept_is_told(wrong: dict[str, object], problem: str) -> None:
    said = {"channel": "email", "status": "granted", "captured_ms": 5, **wrong}
    line = msgspec.json.encode({"tenant": "acme", "subject": ADA, "facts": {"consent_records": [said]}})
    with pytest.raises(ValueError, match=problem):
        read_line(line, pseudonym_key=b"k" * 32)


@pytest.mark.parametrize(
    ("proof", "personal"),
    [("form-7", False), ("REC-2026-000123456789", False), ("", False), ("a@b.fr", True), ("tel 06.12.34.56.78", True)],
)
def test_a_proof_with_an_address_or_a_number_is_known_for_one(proof: str, *, personal: bool) -> None:
    assert is_personal(proof) is personal
    assert normalised(" Ada@B.fr ", channel="email") == "ada@b.fr"
