"""BottleCRM itself, from its package django-crm, on a PostgreSQL of the test's own.

It lives in an environment of its own, since it wants Python 3.12 and what it pins. To install it and to make its tables
takes minutes, so both are kept: the environment as it is, the tables and one member with a token as a dump.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.settings import inherited
from tests import postgres
from tests.services.ports import free
from tests.systems.making import HERE, made
from tests.systems.running import running

_DATABASE: Final = "bottlecrm"
_OWNER: Final = "crm_app"
"""No superuser: such a one would see the rows of every organisation."""
_NAMES: Final = ("python3.13", "python3.12", "python3.14", "python3")
_SUITS: Final = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))"
_SEED: Final = """
import django
django.setup()
from common.models import Org, PersonalAccessToken, Profile, User
from common.tasks import set_rls_context
org = Org.objects.create(name="Pilote", default_currency="EUR")
set_rls_context(org.id)
user = User.objects.create(email="us@example.org")
profile = Profile.objects.create(user=user, org=org, role="ADMIN", is_organization_admin=True)
print(PersonalAccessToken.generate(profile, "pilote")[0])
"""


class BottleCRM(NamedTuple):
    """One that runs."""

    host: str
    """Name and port."""
    token: str


def interpreter() -> str | None:
    """A Python that BottleCRM runs on; `None` where there is none."""
    folders = inherited().get("PATH", "").split(os.pathsep)
    places = [Path(sys.executable), *(Path(folder) / name for name in _NAMES for folder in folders)]
    for place in places:
        if place.exists():
            asked = subprocess.run([place, "-c", _SUITS], capture_output=True, check=False)
            if asked.returncode == 0:
                return str(place)
    return None


@contextlib.contextmanager
def bottlecrm(python: str, home: Path) -> Iterator[BottleCRM]:
    """One that runs until the block ends."""
    programs = _environment(python)
    kept = _kept(programs)
    with postgres.running() as server:
        server.execute(f"CREATE ROLE {_OWNER} LOGIN", f"CREATE DATABASE {_DATABASE} OWNER {_OWNER}")
        shutil.copy(kept / "dump.sql", server.home)
        _run(server, "psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", server.home / "dump.sql", _DATABASE)
        (port,) = free(1)
        address = f"127.0.0.1:{port}"
        command: list[str | Path] = [programs / "gunicorn", "crm.wsgi", "--bind", address, "--threads", "4"]
        with running(command, home=home, ready=f"http://{address}/healthz/", environment=_settings(server, home)):
            yield BottleCRM(address, (kept / "token").read_text(encoding="utf-8"))


def _environment(python: str) -> Path:
    """The folder of programs of its environment."""
    wanted = HERE / "bottlecrm.txt"

    def make(folder: Path) -> None:
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--requirement", wanted], check=True)

    version = f"{python}\n{wanted.read_text(encoding='utf-8')}"
    return made("bottlecrm", version=version, make=make) / "bin"


def _kept(programs: Path) -> Path:
    """The folder of the dump, and of the token of the member that is in it."""
    folder = postgres.programs()
    assert folder is not None, "BottleCRM needs PostgreSQL"

    def make(kept: Path) -> None:
        with postgres.running() as server:
            server.execute(f"CREATE ROLE {_OWNER} LOGIN", f"CREATE DATABASE {_DATABASE} OWNER {_OWNER}")
            settings = _settings(server, kept)
            subprocess.run([programs / "python", "-m", "django", "migrate"], check=True, cwd=kept, env=settings,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            seeded = subprocess.run([programs / "python", "-c", _SEED], check=True, cwd=kept, env=settings,
                                    capture_output=True, text=True)  # fmt: skip
            _run(server, "pg_dump", "--file", server.home / "dump.sql", _DATABASE)
            shutil.copy(server.home / "dump.sql", kept)
            (kept / "token").write_text(seeded.stdout.split()[-1], encoding="utf-8")

    version = f"{folder}\n{_SEED}\n{(HERE / 'bottlecrm.txt').read_text(encoding='utf-8')}"
    return made("bottlecrm-database", version=version, make=make)


def _run(server: postgres.PostgresProcess, program: str, *options: str | Path) -> None:
    folder = postgres.programs()
    assert folder is not None
    server.run(folder / program, "--host", server.home, "--username", "pilote", *options)


def _settings(server: postgres.PostgresProcess, home: Path) -> dict[str, str]:
    return {
        "PATH": inherited().get("PATH", ""),
        "HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "SECRET_KEY": "of these tests, and nobody else's secret",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DBHOST": str(server.home),
        "DBNAME": _DATABASE,
        "DBUSER": _OWNER,
        "DBPASSWORD": "",
        # Jobs are put somewhere and nobody carries them out.
        "CELERY_BROKER_URL": "memory://",
        "CELERY_RESULT_BACKEND": "cache+memory://",
    }
