"""`pilote users`, as an operator uses it, on a store of its own."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import pytest

from gateway.clock import clock_ms
from gateway.redis_clients import Client
from pilote.audit.v1 import personal_pb2
from services.control.access.accesses import Access
from services.control.access.entrance import LoggedIn, Refused
from tests.e2e.world import auditing
from tests.services import command_line

pytestmark = pytest.mark.one_server


class Operator:
    """Somebody with a shell."""

    def __init__(self, redis: Client, url: str, home: Path) -> None:
        self.access = Access(redis, keys=(b"k" * 32,), clock_ms=clock_ms)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")},  # noqa: TID251
            "PILOTE_HOME": str(home),
            "PILOTE_REDIS_URL": url,
            "COLUMNS": "200",
        }

    def set(self, name: str, value: str) -> None:
        """Set a variable of the environment."""
        self._environment[name] = value

    async def run(self, *arguments: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
        """What `pilote users` answers."""
        environment = {**self._environment, "PILOTE_LANG": lang}
        return await asyncio.to_thread(command_line.pilote, "users", *arguments, environment=environment)

    async def log_in(self, name: str, password: str) -> LoggedIn | Refused:
        """Try to log in."""
        return await self.access.entrance.log_in(name, password, network="::1", now_ms=clock_ms())


@pytest.fixture
def operator(redis: Client, redis_url: str, tmp_path: Path) -> Operator:
    """One on an empty store."""
    return Operator(redis, redis_url, tmp_path)


async def test_somebody_is_added_and_logs_in_with_what_was_printed(operator: Operator) -> None:
    done = await operator.run("add", "ada", "--role", "moderator", "--role", "sre", "--tenant", "acme")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}\n", done.stdout)
    begun = await operator.log_in("ada", done.stdout.strip())
    assert isinstance(begun, LoggedIn)
    assert begun.account.must_change
    listed = await operator.run("list")
    assert listed.stdout.splitlines()[1].split("\t")[:4] == ["ada", "", "acme: moderator, sre", "waits for a password"]
    french = await operator.run("list", lang="fr")
    assert "attend un mot de passe" in french.stdout


async def test_roles_come_and_go_and_the_last_admin_stays(operator: Operator) -> None:
    await operator.run("add", "boss", "--role", "admin")
    done = await operator.run("grant", "boss", "officer", "--tenant", "acme")
    assert done.stdout == "boss has: *: admin; acme: officer\n"
    for command in (("revoke", "boss", "admin"), ("disable", "boss")):
        refused = await operator.run(*command)
        assert refused.returncode == 1
        assert "the last active administrator" in refused.stderr.replace("\n", " ")
    done = await operator.run("revoke", "boss", "officer", "--tenant", "acme")
    assert done.stdout == "boss has: *: admin\n"


async def test_whoever_is_disabled_is_out_until_they_are_enabled(operator: Operator) -> None:
    once = (await operator.run("add", "ada", "--role", "sre")).stdout.strip()
    begun = await operator.log_in("ada", once)
    assert isinstance(begun, LoggedIn)
    shown = await operator.run("sessions", "ada")
    assert begun.session.id in shown.stdout
    assert "terminées : 1" in (await operator.run("sessions", "ada", "--end", lang="fr")).stdout
    assert await operator.access.sessions.find(begun.cookie, now_ms=clock_ms()) is None
    assert "logged out everywhere" in (await operator.run("disable", "ada")).stdout
    assert await operator.log_in("ada", once) == Refused(code="login-wrong")
    await operator.run("enable", "ada")
    assert isinstance(await operator.log_in("ada", once), LoggedIn)
    fresh = (await operator.run("reset", "ada")).stdout.strip()
    assert await operator.log_in("ada", once) == Refused(code="login-wrong")
    assert isinstance(await operator.log_in("ada", fresh), LoggedIn)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("add", "Ada"), 1, "cannot be a name"),
        (("add", "ada", "--role", "king"), 2, "there are: copilot, moderator, officer, sre, auditor, admin"),
        (("add", "ada", "--role", "sre", "--tenant", "A B"), 2, "cannot be read"),
        (("add", "ada", "--email", "none"), 2, "cannot be read"),
        (("grant", "ada", "sre"), 1, "There is no account ada"),
        (("reset", "ada"), 1, "There is no account ada"),
        (("sessions", "ada"), 1, "There is no account ada"),
    ],
)
async def test_what_cannot_be_is_said_and_not_done(
    operator: Operator, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = await operator.run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr.replace("\n", " ")
    assert await operator.access.accounts.all() == ()


async def test_the_log_says_which_operator_changed_whom_where_an_audit_service_answers(
    operator: Operator, redis_url: str, tmp_path: Path
) -> None:
    async with auditing(redis_url, tmp_path / "audit") as auditor:
        operator.set("PILOTE_AUDIT_LISTEN", auditor.address)
        done = await operator.run("add", "ada", "--role", "sre", "--email", "ada@example.com")
        await operator.run("grant", "ada", "auditor")
        notes = str(await auditor.stub.ListNotes(personal_pb2.ListNotesRequest()))
    for told in ("accounts/ada", "operator:", "auditor"):
        assert told in notes
    for kept in ("example.com", done.stdout.strip()):
        assert kept not in notes
