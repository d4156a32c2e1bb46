"""Takes the gateway's spans over OTLP and prints, when it is stopped, how many. `python -m loadtests.sink`."""

import sys
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtests.servers import Answer, Unary, run

_spans = 0


async def _main() -> Unary:
    async def answer(request: bytes, _context: Any) -> bytes:
        global _spans  # noqa: PLW0603 - a program of one number
        exported = ExportTraceServiceRequest.FromString(request)
        _spans += sum(len(scope.spans) for resource in exported.resource_spans for scope in resource.scope_spans)
        return b""

    def answer_of(_method: str) -> Answer:
        return answer

    return Unary(answer_of)


if __name__ == "__main__":
    run(_main)
    sys.stdout.write(f"{_spans}\n")
