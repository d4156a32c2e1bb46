"""An upstream in a process of its own, to be killed: writes down each call before it answers, as a CRM would.

Run as `python -m tests.fakes.upstream_process PORT FILE`; one line a call: decision, customer, request id, subject.
"""

import asyncio
import os
import sys
from typing import Any

import grpc

from pilote.crm.v1.message_service_pb2 import SendMessageRequest, SendMessageResponse


async def serve(port: int, file: str) -> None:
    """Serve until the process is killed."""
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def send(request: bytes, context: Any) -> bytes:
        message = SendMessageRequest.FromString(request)
        decision = dict(context.invocation_metadata())["pilote-decision-id"]
        said = message.message.subject_line.replace(" ", "-") or "-"
        os.write(log, f"{decision} {message.message.customer} {message.request_id or '-'} {said}\n".encode())
        return SendMessageResponse(message=message.message).SerializeToString()

    class Everything(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(send)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Everything(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
