"""The upstream of both measured servers: answers every call with the same bytes. `python -m loadtests.echo`."""

from typing import Any, Final

from loadtests.servers import Answer, Unary, run
from pilote.crm.v1 import message_pb2, message_service_pb2

ANSWER: Final = message_service_pb2.SendMessageResponse(
    message=message_pb2.Message(
        name="messages/0190b5f0c7a27d0a8a3e",
        customer="contacts/1001",
        channel="email",
        category="marketing",
        subject_line="Your renewal",
        body="Your contract ends next month. " * 8,
        state=message_pb2.SEND_STATE_SENT,
        etag="1",
    )
).SerializeToString()
"""What a message service would answer, in its size."""


async def _main() -> Unary:
    async def answer(_request: bytes, _context: Any) -> bytes:
        return ANSWER

    def answer_of(_method: str) -> Answer:
        return answer

    return Unary(answer_of)


if __name__ == "__main__":
    run(_main)
