"""What counts contacts: a small tracker that answers like Matomo, and Debian's own Matomo, which is no fake.

Matomo runs on PHP's own server and a MariaDB of its own, on a Unix socket, all in one temporary folder. Where they are
not installed, the tests that want them are not collected; the head of pytest's output says so.
"""

import asyncio
import contextlib
import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

from gateway.settings import inherited
from tests.e2e.waiting import eventually
from tests.services.ports import free

TOKEN: Final = "0123456789abcdef" * 2
SITE: Final = 1
START_SECONDS: Final = 120.0
_HERE: Final = Path(__file__).parents[1] / "matomo"
_WEB: Final = Path("/usr/share/matomo/public")
_CONFIG: Final = """; <?php exit; ?>
[database]
unix_socket = "{home}/db.sock"
host = "localhost"
username = "root"
password = ""
dbname = "matomo"
tables_prefix = "m_"
charset = "utf8mb4"
[General]
salt = "{salt}"
trusted_hosts[] = "127.0.0.1"
enable_internet_features = 0
"""


class Counted(NamedTuple):
    """One contact, as the tracker has it."""

    person: str
    channel: str
    category: str
    url: str


@dataclass(slots=True)
class Tracker:
    """One that runs. `counted` asks it what it has."""

    url: str
    counted: Callable[[], Awaitable[list[Counted]]]


@contextlib.asynccontextmanager
async def small_tracker() -> AsyncIterator[Tracker]:
    """The small one, until the block ends."""
    found: list[Counted] = []

    async def take(request: web.Request) -> web.Response:
        asked = await request.json()
        events = [parse_qs(each.removeprefix("?")) for each in asked["requests"]]
        good = [each for each in events if each["idsite"] == [str(SITE)] and asked.get("token_auth") == TOKEN]
        found.extend(Counted(*(each[name][0] for name in ("uid", "e_a", "e_n", "url"))) for each in good)
        answer = {"status": "success", "tracked": len(good), "invalid": len(events) - len(good)}
        return web.json_response(answer)

    async def counted() -> list[Counted]:
        return list(found)

    app = web.Application()
    app.router.add_post("/matomo.php", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Tracker(f"http://127.0.0.1:{runner.addresses[0][1]}/matomo.php", counted)
    finally:
        await runner.cleanup()


class Programs(NamedTuple):
    """What Matomo needs."""

    php: str
    mariadbd: str


@functools.cache
def programs() -> Programs | None:
    """Where they are; `None` where one of them is not here."""
    path = f"{inherited()['PATH']}{os.pathsep}/usr/sbin"
    found = [shutil.which(each, path=path) for each in ("php", "mariadbd")]
    there = [each for each in found if each is not None]
    if len(there) < len(found) or not (_WEB / "matomo.php").exists():
        return None
    modules = subprocess.run((there[0], "-m"), capture_output=True, text=True, check=True).stdout.split()
    return Programs(*there) if {"pdo_mysql", "mbstring", "dom"} <= set(modules) else None


def said() -> str:
    """What there is to test on, in a line."""
    if programs() is None:
        wanted = "matomo mariadb-server-core php-cli php-mysql php-mbstring php-xml"
        return f"no Matomo here (Debian: apt install {wanted}), so trackers are tested with a small one alone"
    return "Matomo, as a tracker"


@contextlib.asynccontextmanager
async def matomo() -> AsyncIterator[Tracker]:
    """A real Matomo with one site, until the block ends."""
    found = programs()
    assert found is not None, "tests with Matomo are collected where there is one"
    with tempfile.TemporaryDirectory(prefix="pilote-matomo-") as folder:  # a socket's path must be short
        home = Path(folder)
        environment = {**inherited(), "MATOMO_HOME": folder, "MATOMO_TOKEN": TOKEN}
        await asyncio.to_thread(_prepare, home)
        (port,) = free(1)
        php = (found.php, "-d", f"auto_prepend_file={_HERE / 'prepend.php'}")
        async with (
            _process(home, found.mariadbd, *_database(home)) as database,
            _process(home, *php, "-S", f"127.0.0.1:{port}", "-t", str(_WEB), environment=environment) as server,
        ):
            await _until_ready(home / "db.sock", database)
            await asyncio.to_thread(_installed, (*php, str(_HERE / "install.php")), environment)
            url = f"http://127.0.0.1:{port}"
            await _until_served(url, server)
            yield Tracker(f"{url}/matomo.php", lambda: _counted(url))


def _prepare(home: Path) -> None:
    (home / "config").mkdir()
    (home / "tmp").mkdir()
    (home / "data").mkdir()  # without MariaDB's own tables, which say who may do what
    (home / "config" / "config.ini.php").write_text(_CONFIG.format(home=home, salt=TOKEN), encoding="utf-8")


def _database(home: Path) -> tuple[str, ...]:
    places = (f"--datadir={home / 'data'}", f"--socket={home / 'db.sock'}", f"--pid-file={home / 'db.pid'}")
    # Nobody else reaches the socket: its folder is this user's alone.
    bare = ("--skip-networking", "--skip-grant-tables", "--innodb-flush-log-at-trx-commit=0")
    return ("--no-defaults", *places, *bare, "--innodb-buffer-pool-size=32M", *_user())


def _user() -> tuple[str, ...]:
    """MariaDB runs as root only where that is said."""
    return ("--user=root",) if os.geteuid() == 0 else ()


def _installed(command: tuple[str, ...], environment: dict[str, str]) -> None:
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert made.stdout.strip() == str(SITE), made.stdout[-4_000:] + made.stderr[-4_000:]


@contextlib.asynccontextmanager
async def _process(
    home: Path, *command: str, environment: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    with (home / f"{Path(command[0]).name}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()  # nothing of it is kept
        await process.wait()


async def _until_ready(socket: Path, process: asyncio.subprocess.Process) -> None:
    async def look() -> bool | None:
        assert process.returncode is None, "MariaDB has ended"
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(str(socket))
            writer.close()
            return True
        return None

    await eventually(look, what="MariaDB", within=START_SECONDS)


async def _until_served(url: str, process: asyncio.subprocess.Process) -> None:
    async def look() -> bool | None:
        assert process.returncode is None, "PHP has ended"
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await _asked(url, "API.getMatomoVersion")
            return True
        return None

    await eventually(look, what="Matomo", within=START_SECONDS)


async def _counted(url: str) -> list[Counted]:
    """All events of all visits."""
    visits = await _asked(
        url, "Live.getLastVisitsDetails", idSite=SITE, period="range", date="last30", filter_limit=100
    )
    return [
        Counted(visit["userId"], event["eventAction"], event["eventName"], event["url"])
        for visit in visits
        for event in visit["actionDetails"]
        if event["type"] == "event" and event["eventCategory"] == "contact"
    ]


async def _asked(url: str, method: str, **parameters: Any) -> Any:
    wanted = {"module": "API", "method": method, "format": "JSON", "token_auth": TOKEN, **parameters}
    async with aiohttp.ClientSession() as client, client.post(f"{url}/index.php", data=wanted) as response:
        return json.loads(await response.read())
