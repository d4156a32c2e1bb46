"""What `pilote up` starts on one machine: the store, the CRM, two versions of a model, our services, gateways."""

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.settings import Settings
from services import redis_server
from services.supervisor.child import Child
from services.supervisor.probes import GrpcServing, HttpOk, RedisAnswers
from services.supervisor.supervise import Supervisor

MODEL_VERSIONS = ("1", "2")


def supervisor(settings: Settings, *, environment: Mapping[str, str]) -> Supervisor:
    """A supervisor of everything; `environment` is what its children get, our own settings on top.

    Raises:
        ValueError: the folder of the embedded store's socket belongs to somebody else.
        FileNotFoundError: there is no Redis to start.
    """
    home = settings.home.resolve()
    ours = {
        "PILOTE_HOME": str(home),
        "PILOTE_REDIS_URL": redis_url(settings),
        "PILOTE_STORE_TIMEOUT_MS": str(settings.store_timeout_ms),
        "PILOTE_ENGINE": settings.engine,
    }
    if settings.audit_key_file is not None:
        ours["PILOTE_AUDIT_KEY_FILE"] = str(settings.audit_key_file.resolve())
    gateways = _gateways(settings)
    after = tuple(each.name for each in gateways)
    agents = _over_http("agents", settings.agents_listen, settings=settings, after=after, path="/readyz")
    children = (*_store(settings), *_services(settings), *gateways, agents, _insights(settings, after=after))
    # Of its children the supervisor itself says whether they are well: they cannot all have that address.
    kept = {name: value for name, value in environment.items() if name != "PILOTE_HEALTH_LISTEN"}
    return Supervisor(home, children, environment={**kept, **ours})


def redis_url(settings: Settings) -> str:
    """The store's URL: the one that is set, else the embedded server's."""
    return settings.redis_url or redis_server.url_of(settings.home / "redis")


def model_listen(settings: Settings, version: str) -> str:
    """Where the model server of that version listens."""
    host, _, port = settings.models_listen.rpartition(":")
    return f"{host}:{int(port) + MODEL_VERSIONS.index(version)}"


def _store(settings: Settings) -> tuple[Child, ...]:
    if settings.redis_url is not None:
        return ()
    home = settings.home.resolve() / "redis"
    url = redis_server.url_of(home)
    command = tuple(redis_server.command(home))
    return (Child(name="redis", command=command, env=redis_server.ENVIRONMENT, ready=RedisAnswers(url)),)


def _services(settings: Settings) -> tuple[Child, ...]:
    store = ("redis",) if settings.redis_url is None else ()
    models = tuple(
        _child(f"model-{version}", model_listen(settings, version), "models", "--version", version, settings=settings)
        for version in MODEL_VERSIONS
    )
    return (
        _child("crm", settings.crm_listen, "crm", settings=settings),
        _child("audit", settings.audit_listen, "audit", settings=settings, after=store),
        *models,
        _over_http("control", settings.control_listen, settings=settings, after=store),
        _rollouts(settings, after=(*store, "audit")),
        _intake(settings, after=(*store, "audit")),
        _webhooks(settings, after=(*store, "audit")),
    )


def _gateways(settings: Settings) -> tuple[Child, ...]:
    """Workers share the port; the first answers for all whether they are ready, so each waits for the one before."""
    store = ("redis",) if settings.redis_url is None else ()
    names = [f"gateway-{number}" if settings.workers > 1 else "gateway" for number in range(1, settings.workers + 1)]
    return tuple(
        _child(
            name,
            settings.gateway_listen,
            "gateway",
            settings=settings,
            after=(*store, *names[:index][-1:]),
        )
        for index, name in enumerate(names)
    )


def _child(name: str, listen: str, *arguments: str, settings: Settings, after: tuple[str, ...] = ()) -> Child:
    return Child(
        name=name,
        command=(sys.executable, "-m", "services.cli", *arguments),
        ready=GrpcServing(listen),
        after=after,
        ports=(int(listen.rpartition(":")[2]),),
        drain_seconds=settings.drain_seconds + 2,
    )


def _intake(settings: Settings, *, after: tuple[str, ...]) -> Child:
    """It listens twice, and answers over HTTP once it does so over gRPC."""
    child = _over_http("intake", settings.intake_listen, settings=settings, after=after)
    return msgspec.structs.replace(child, ports=(*child.ports, int(settings.intake_grpc_listen.rpartition(":")[2])))


def _webhooks(settings: Settings, *, after: tuple[str, ...]) -> Child:
    """Nothing else ends where it fails for good: events then wait."""
    child = _child("webhooks", settings.webhooks_listen, "webhooks", "run", settings=settings, after=after)
    return msgspec.structs.replace(child, essential=False)


def _insights(settings: Settings, *, after: tuple[str, ...]) -> Child:
    """Nothing else ends where it fails for good: nothing is looked for then. It starts last: nobody waits for it."""
    child = _child("insights", settings.insights_listen, "insights", "run", settings=settings, after=after)
    return msgspec.structs.replace(child, essential=False)


def _rollouts(settings: Settings, *, after: tuple[str, ...]) -> Child:
    """Nothing else ends where it fails for good: rollouts then stay where they are."""
    child = _child("rollouts", settings.rollouts_listen, "rollouts", "run", settings=settings, after=after)
    return msgspec.structs.replace(child, essential=False)


def _over_http(name: str, listen: str, *, settings: Settings, after: tuple[str, ...], path: str = "/healthz") -> Child:
    host, _, port = listen.rpartition(":")
    child = _child(name, listen, name, settings=settings, after=after)
    return msgspec.structs.replace(child, ready=HttpOk(int(port), path=path, host=host.strip("[]")))


def logs(home: Path) -> Path:
    """Where the children's logs are."""
    return home.resolve() / "logs"
