"""All that this process serves to Envoy, whatever carries the bytes."""

from collections.abc import Sequence

import msgspec

from gateway.adapters.admission import Admission
from gateway.adapters.sealing import Sealer
from gateway.certificates import Certificates
from gateway.clock import clock_ms
from gateway.envoy.access_log import AccessLog
from gateway.envoy.authorization import Authorization
from gateway.envoy.doors import Authority, Doors, envoy_keys
from gateway.envoy.engine.agents import ForAgents
from gateway.envoy.engine.carried import Carried
from gateway.envoy.engine.checking import Checking
from gateway.envoy.engine.reach import Reach
from gateway.envoy.engine.redacting import Redacting
from gateway.envoy.engine.resuming import Resuming
from gateway.envoy.processing import Processing
from gateway.envoy.ratelimit import RateLimit
from gateway.envoy.seals import Seals
from gateway.pipeline import Pipeline
from gateway.settings import Settings
from gateway.watching.watch import Watch


class EnvoyServices(msgspec.Struct, frozen=True):
    """One servicer for each service."""

    checking: Authorization
    limits: RateLimit
    processing: Processing
    access_log: AccessLog
    agents: ForAgents | None = None
    """Where an Envoy carries their calls."""


def wanted(settings: Settings) -> bool:
    """Whether Envoy may ask this process at all, where it knows it by a key or a certificate."""
    return settings.engine == "envoy" or settings.envoy_key_file is not None or settings.envoy_listen != ""


def envoy_services(
    settings: Settings,
    pipeline: Pipeline,
    *,
    admission: Admission,
    watch: Watch,
    hold_keys: Sequence[bytes],
    reach: Reach | None = None,
    own_key: str = "",
) -> EnvoyServices:
    """What is `wanted`; what admitted requests have taken is sealed with the keys of held calls.

    With `reach` calls of agents are decided about too, for an Envoy that carries them; it may have a key of its own.

    Raises:
        ValueError, OSError: the key file cannot be used.
    """
    known = () if settings.envoy_key_file is None else envoy_keys(settings.envoy_key_file)
    known += (own_key,) if own_key else ()
    folder = settings.envoy_tls_dir if not known else None
    authority = None if folder is None else _authority(Certificates(folder))
    doors = Doors(known, only_tls=settings.envoy_listen != "", authority=authority)
    seals, ratio = Seals(Sealer(hold_keys)), settings.trace_ratio
    agents = carried = redacting = None
    if reach is not None:
        carried = Carried(pipeline, watch)
        redacting = Redacting(carried, key=known[-1])
        checking = Checking(pipeline, watch, carried=carried, reached=reach.has, trace_ratio=ratio)
        further = Resuming(pipeline, watch, carried=carried, key=known[-1])
        agents = ForAgents(checking, carried, further, known[-1])
    return EnvoyServices(
        Authorization(pipeline, watch, seals=seals, doors=doors, trace_ratio=ratio),
        RateLimit(pipeline, watch, doors=doors, trace_ratio=ratio),
        Processing(seals=seals, doors=doors, redacting=redacting),
        AccessLog(
            admission,
            seals=seals,
            doors=doors,
            revision=lambda: pipeline.revision,
            clock=clock_ms,
            carried=carried,
        ),
        agents,
    )


def _authority(certificates: Certificates) -> Authority:
    return lambda: certificates.now().authority
