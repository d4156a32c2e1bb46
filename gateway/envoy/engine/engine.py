"""The Envoy engine of one gateway: its Envoy, what it is told of each revision, and its end."""

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import grpc

from gateway.certificates import Certificates, Pem, own
from gateway.core.revision.compiled import Revision
from gateway.ending import ended
from gateway.envoy.engine.admin import Admin
from gateway.envoy.engine.clusters import asking, clusters_of
from gateway.envoy.engine.configuration import TOLD_EVERY_SECONDS, Places, bootstrap, listener, no_routes, routes_of
from gateway.envoy.engine.process import Envoy, envoy
from gateway.envoy.engine.reach import LOOK_SECONDS, Reach
from gateway.envoy.engine.resources import Json, put
from gateway.envoy.engine.tls import file_name, secrets_of
from gateway.rpc.probing import wellness
from gateway.rpc.server_tls import believed
from gateway.settings import Settings

_log = logging.getLogger(__name__)

_OURS: Final = "pilote-envoy-"
"""Beginning of the names of folders with what Envoys of ours read, before the process of the gateway."""
_BEGAN: Final = time.time()
"""When this process did, about."""
MOST_SHOWN: Final = 256 * 1024
"""Bytes of a message that are worth to be shown to whoever decides; see `Places.shown`."""
START_SECONDS: Final = 30.0
"""Longest wait until Envoy listens."""
TELLING_SECONDS: Final = 3 * TOLD_EVERY_SECONDS
"""How long Envoy takes to send what its access log holds, and a little more."""
TOLD_SECONDS: Final = 2.0
"""Longest wait until all of it is settled."""
RENEW_SECONDS: Final = 1.0
"""How often is looked whether authorities have changed; certificates Envoy watches itself."""
RETIRED_SECONDS: Final = 120.0
"""How long a cluster stays that no revision names any more: longer than calls that were admitted for it last, and than
`carrying.LONGEST_SECONDS`."""


class Engine:
    """What a gateway tells its Envoy."""

    def __init__(self, places: Places, *, clock: Callable[[], float]) -> None:
        self.places = places
        self._clock = clock
        self._clusters: dict[str, Json] = {}
        self._retired: dict[str, float] = {}
        """When a cluster was named last, in seconds of the clock."""
        self._routes: Json = no_routes()
        self.reach = Reach(Admin(places.home), certified=places.certificates is not None)
        self._certificates = _certificates(places)
        self._shown: Pem | None = None
        self._without: frozenset[str] = frozenset()
        """Upstreams that it was said of that they want a certificate, and there is none."""
        self.under_way: Callable[[], int] = lambda: 0
        """How many calls Envoy carries, of which it still has to tell how they end."""

    def use(self, revision: Revision) -> None:
        """Have Envoy carry the calls of this revision. Until it can, the gateway does."""
        now = self._clock()
        secrets = self.places.home if self.places.certificates is not None else None
        wanted = clusters_of(revision, roots=_roots(), secrets=secrets)
        for name in self._clusters.keys() - wanted.keys():
            self._retired.setdefault(name, now)
        for name in wanted:
            self._retired.pop(name, None)
        over = [name for name, at in self._retired.items() if now - at > RETIRED_SECONDS]
        for name in over:
            del self._retired[name], self._clusters[name]
        self._clusters |= wanted
        self._routes = routes_of(revision)
        self._tell()
        if secrets is None and (new := asking(revision) - self._without):
            self._without |= new
            said = "upstreams ask for this gateway's certificate, so Envoy carries no call there: set PILOTE_TLS_DIR"
            _log.warning(said, extra={"upstreams": sorted(new)})
        self.reach.use(revision)

    def _tell(self) -> None:
        """Put what Envoy reads into its files, which must be there when it starts."""
        with contextlib.suppress(FileNotFoundError):  # a revision may come while the gateway ends
            put(self.places.home, "clusters.json", self._clusters)
            put(self.places.home, "routes.json", {"agents": self._routes})

    @contextlib.asynccontextmanager
    async def carrying(self, *, drain_seconds: float) -> AsyncIterator[int]:
        """Envoy listens until the block ends, then drains; yields the port.

        Raises:
            EnvoyMissing: it is not installed.
            OSError: the address is taken, or Envoy cannot start.
        """
        self._show()
        self._tell()
        put(self.places.home, "listeners.json", {"agents": listener(self.places)})
        async with envoy(self.places.home, bootstrap(self.places)) as running:
            port = await self._listening(running)
            over, showing = asyncio.create_task(self._over(running)), asyncio.create_task(self._show_anew())
            try:
                with wellness().well_while(running.admin.listens):
                    yield port
            finally:
                await ended(over, showing)
                await self.reach.close()
                await self._drained(running, within_s=drain_seconds)

    def _show(self) -> None:
        """Say where the certificate is, and who must have signed those of others, where that has changed."""
        if self._certificates is None or (pem := self._certificates.now()) is self._shown:
            return
        self._shown = pem
        for name, each in secrets_of(self._certificates.folder, callers=believed(pem, "everybody")).items():
            put(self.places.home, file_name(name), {name: each})

    async def _show_anew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            self._show()

    async def _listening(self, running: Envoy) -> int:
        until = self._clock() + START_SECONDS
        while not (port := await running.admin.port()):
            if running.ended or self._clock() > until:
                raise OSError(
                    f"Envoy does not listen on {self.places.listen}: is another process using it? See its log."
                )
            await asyncio.sleep(LOOK_SECONDS)
        return port

    async def _drained(self, running: Envoy, *, within_s: float) -> None:
        """Wait so long for calls under way, and then until Envoy has told how they ended."""
        await running.admin.drain()
        until = self._clock() + within_s
        while await running.admin.running() and self._clock() < until:  # noqa: ASYNC110 - nobody says when they end
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(TELLING_SECONDS)
        until = self._clock() + TOLD_SECONDS
        while self.under_way() and self._clock() < until:  # noqa: ASYNC110 - nor when the last one is settled
            await asyncio.sleep(LOOK_SECONDS)

    async def _over(self, running: Envoy) -> None:
        """Without its Envoy a gateway is reached by nobody: it ends, and is started anew."""
        code = await running.over()
        _log.critical("Envoy has ended by itself: this gateway ends with it", extra={"code": code})
        os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def engine_of(settings: Settings, *, apart: bool) -> Iterator[Engine]:
    """The engine of a gateway with these settings, whose files and sockets are gone when the block ends.

    `apart`: another process than the gateway decides about calls.
    """
    _clear()
    home = Path(tempfile.mkdtemp(prefix=f"{_OURS}{os.getpid()}-"))  # short, and nobody else's: it holds sockets
    try:
        socket = str(home / "gateway")
        places = Places(
            home=home,
            gateway=socket,
            asked=str(home / "check") if apart else socket,
            listen=settings.gateway_listen,
            shown=min(MOST_SHOWN, settings.max_message_bytes // 2),
            key=secrets.token_hex(32),  # this Envoy is known to this gateway by it, and to no other
            certificates=settings.tls_dir,
            clients=settings.tls_clients_file,
        )
        yield Engine(places, clock=time.monotonic)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _clear() -> None:
    """Remove what gateways have left behind that were killed."""
    for each in Path(tempfile.gettempdir()).glob(f"{_OURS}*-*"):
        pid = each.name.removeprefix(_OURS).partition("-")[0]
        with contextlib.suppress(FileNotFoundError):  # another gateway that starts was quicker
            seen = each.stat()
            if pid.isdecimal() and seen.st_uid == os.getuid() and not _runs(int(pid), since=seen.st_mtime):
                shutil.rmtree(each, ignore_errors=True)


def _runs(pid: int, *, since: float) -> bool:
    """Whether the process does that has last written there at that time, in seconds since the epoch."""
    if pid == os.getpid():  # in a container each start has the number of the one before
        return since >= _BEGAN
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _certificates(places: Places) -> Certificates | None:
    """Those of this process, read here where it shows none by itself."""
    if places.certificates is None:
        return None
    return own() or Certificates(places.certificates, clients=places.clients)


def _roots() -> Path:
    """The authorities that gRPC believes where nothing else is said."""
    named = os.environ.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")  # noqa: TID251 - gRPC's own, not a setting of ours
    return Path(named) if named else Path(grpc.__file__).parent / "_cython" / "_credentials" / "roots.pem"
