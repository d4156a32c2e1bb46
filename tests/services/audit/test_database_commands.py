"""The commands of `pilote audit` on a database say in two languages what is in it, or that they are not for it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.audit.postgres import lanes
from services.audit.postgres.address import parameters
from services.audit.postgres.partitions import DAY_MS
from services.audit.postgres.store import PostgresStore
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.log_key import KEY_FILE, log_signer
from tests import postgres
from tests.postgres import PostgresProcess
from tests.services.audit.conftest import NOW_MS, a_record, an_id
from tests.services.audit.test_log import admitted, settled, told
from tests.services.audit.test_postgres import of
from tests.services.audit.test_segment_commands import pilote

pytestmark = pytest.mark.skipif(postgres.programs() is None, reason="there is no PostgreSQL here")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def empty(postgres_process: PostgresProcess) -> Iterator[str]:
    """The URL of a database without anything."""
    name = postgres_process.new_database()
    yield postgres_process.url(name)
    postgres_process.drop(name)


@pytest.fixture
def run(tmp_path: Path, empty: str) -> Run:
    """Runs a command on it."""

    def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return pilote(*arguments, home=tmp_path, **({"PILOTE_AUDIT_URL": empty, "COLUMNS": "200"} | settings))

    return run


def tables(url: str) -> int:
    with lanes.connected(parameters(url)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return int(count)


async def test_days_are_listed_and_what_only_files_have_is_refused(empty: str, run: Run, tmp_path: Path) -> None:
    store = PostgresStore(empty)
    await store.write([each for number in range(30) for each in (admitted(number), settled(number), told(number))])
    late = NOW_MS - 60 * DAY_MS
    await store.write([of(a_record(number, id=an_id(number, at_ms=late), received_ms=late)) for number in range(5)])
    await store.write([of(a_record(number, id=an_id(number, at_ms=late + 9 * DAY_MS))) for number in range(2)])
    signer = log_signer(tmp_path / KEY_FILE)
    await Checkpoints(store.log, signer=signer, clock_ms=lambda: NOW_MS).now()
    await store.close()
    stats, french = run("stats"), run("stats", PILOTE_LANG="fr")
    rows = [line.split("\t") for line in stats.stdout.splitlines()]

    assert (stats.returncode, stats.stderr, french.returncode) == (0, "", 0)
    assert [row[:2] for row in rows[:-1]] == [
        *(["day (UTC)", "decisions"], ["others", "2"], ["2026-09-25", "5"], ["2026-09-26", "0"]),
        *(["2026-11-24", "30"], ["2026-11-25", "0"]),
    ]
    assert rows[1][2].endswith(" MB")
    assert rows[-1][0].startswith("Days: 5; decisions: 37; the whole database ")
    assert french.stdout.splitlines()[0] == "jour (UTC)\tdécisions\ttaille"
    assert "Jours : 5 ; décisions : 37 ; la base entière " in french.stdout
    for arguments, english, other in (
        (("seal",), "there is nothing to seal", "il n’y a rien à sceller"),
        (("stats", "--check"), "`pilote audit verify` checks", "`pilote audit verify` vérifie"),
    ):
        said, dit = run(*arguments), run(*arguments, PILOTE_LANG="fr")
        assert (said.returncode, dit.returncode) == (2, 2)
        assert english in said.stderr
        assert other in dit.stderr
    verified, verifie = run("verify"), run("verify", PILOTE_LANG="fr")
    assert verified.stdout.startswith("Good: 37 decisions are what the log of 97 entries says")
    assert verifie.stdout.startswith("Conforme : 37 décisions")
    assert run("rewrap").returncode == 0
    assert run("key").stdout == signer.key.text + "\n"


@pytest.mark.parametrize("command", [("stats",), ("verify", "--key", "x+00+AA=="), ("rewrap",)])
def test_whoever_only_looks_at_the_wrong_database_makes_nothing_in_it(
    empty: str, run: Run, command: tuple[str, ...], tmp_path: Path
) -> None:
    if command[0] == "verify":
        command = ("verify", "--key", log_signer(tmp_path / KEY_FILE).key.text)
    done, french = run(*command), run(*command, PILOTE_LANG="fr")

    assert (done.returncode, french.returncode) == (1, 1)
    assert "PILOTE_AUDIT_URL" in done.stderr
    assert "PILOTE_AUDIT_URL" in french.stderr
    assert tables(empty) == 0


@pytest.mark.parametrize("command", ["stats", "verify", "rewrap"])
def test_a_url_with_a_mistake_is_named_and_not_repeated(run: Run, command: str, tmp_path: Path) -> None:
    log_signer(tmp_path / KEY_FILE)
    done = run(command, PILOTE_AUDIT_URL="postgresql://pilote:swordfish@db:x/pilote")

    assert done.returncode == 2
    assert "PILOTE_AUDIT_URL: The URL of the decision store is none that PostgreSQL takes." in done.stderr
    assert "swordfish" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", ["stats", "verify", "rewrap"])
def test_a_database_that_is_away_is_said(run: Run, command: str, tmp_path: Path) -> None:
    log_signer(tmp_path / KEY_FILE)
    done = run(command, PILOTE_AUDIT_URL="postgresql://pilote:swordfish@127.0.0.1:1/pilote")

    assert done.returncode == 1
    assert "PILOTE_AUDIT_URL" in done.stderr
    assert "swordfish" not in done.stderr + done.stdout
