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


def wanted(settings: Settings) -> bool:
    """Whether Envoy may ask this process at all, where it knows it by a key or a certificate."""
    return settings.envoy_key_file is not None or settings.envoy_listen != ""


def envoy_services(
    settings: Settings, pipeline: Pipeline, *, admission: Admission, watch: Watch, hold_keys: Sequence[bytes]
) -> EnvoyServices:
    """What is `wanted`; what admitted requests have taken is sealed with the keys of held calls.

    Raises:
        ValueError, OSError: the key file cannot be used.
    """
    known = () if settings.envoy_key_file is None else envoy_keys(settings.envoy_key_file)
    folder = settings.envoy_tls_dir if not known else None
    authority = None if folder is None else _authority(Certificates(folder))
    doors = Doors(known, only_tls=settings.envoy_listen != "", authority=authority)
    seals = Seals(Sealer(hold_keys))
    return EnvoyServices(
        Authorization(pipeline, watch, seals=seals, doors=doors, trace_ratio=settings.trace_ratio),
        RateLimit(pipeline, watch, doors=doors, trace_ratio=settings.trace_ratio),
        Processing(seals=seals, doors=doors),
        AccessLog(admission, seals=seals, doors=doors, revision=lambda: pipeline.revision, clock=clock_ms),
    )


def _authority(certificates: Certificates) -> Authority:
    return lambda: certificates.now().authority
