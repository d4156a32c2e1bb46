"""What Envoy asks and tells, over ASGI: the same servicers as on the gateway's own port."""

from typing import Final

from grpc_health.v1 import health_pb2

from gateway.envoy.services import EnvoyServices
from gateway.rpc.asgi import GrpcOverAsgi, Method
from pilote.envoy import access_log_pb2, auth_pb2, ext_proc_pb2, ratelimit_pb2

CHECK: Final = "/envoy.service.auth.v3.Authorization/Check"
LOGS: Final = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs"
LIMITS: Final = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
PROCESS: Final = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
HEALTH: Final = "/grpc.health.v1.Health/Check"


class Health:
    """Says whether the process takes calls."""

    def __init__(self) -> None:
        self.draining = False

    async def check(self, _: health_pb2.HealthCheckRequest, __: object) -> health_pb2.HealthCheckResponse:
        """SERVING until it drains."""
        status = health_pb2.HealthCheckResponse.NOT_SERVING if self.draining else health_pb2.HealthCheckResponse.SERVING
        return health_pb2.HealthCheckResponse(status=status)


def envoy_app(services: EnvoyServices, health: Health, *, max_message_bytes: int) -> GrpcOverAsgi:
    """The app that serves them."""
    return GrpcOverAsgi(
        {
            CHECK: Method(services.checking.Check, auth_pb2.CheckRequest),
            LIMITS: Method(services.limits.ShouldRateLimit, ratelimit_pb2.RateLimitRequest),
            LOGS: Method(services.access_log.StreamAccessLogs, access_log_pb2.StreamAccessLogsMessage, streams_in=True),
            PROCESS: Method(
                services.processing.Process, ext_proc_pb2.ProcessingRequest, streams_in=True, streams_out=True
            ),
            HEALTH: Method(health.check, health_pb2.HealthCheckRequest),
        },
        max_message_bytes=max_message_bytes,
    )
