"""Takes a gateway's spans and metrics over OTLP; prints how many spans when stopped. `python -m loadtests.sink`."""

import sys
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtests.servers import Answer, Unary, run

_TRACES: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_spans = 0


async def _main() -> Unary:
    async def counted(request: bytes, _context: Any) -> bytes:
        global _spans  # noqa: PLW0603 - a program of one number
        exported = ExportTraceServiceRequest.FromString(request)
        _spans += sum(len(scope.spans) for resource in exported.resource_spans for scope in resource.scope_spans)
        return b""

    async def taken(_request: bytes, _context: Any) -> bytes:
        return b""

    def answer_of(method: str) -> Answer:
        return counted if method == _TRACES else taken

    return Unary(answer_of)


if __name__ == "__main__":
    run(_main)
    sys.stdout.write(f"{_spans}\n")
