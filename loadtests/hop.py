"""The yardstick: a proxy in grpc.aio on raw bytes that does nothing else. `python -m loadtests.hop UPSTREAM`.

Whatever a governed call costs beyond this is the price of governing it.
"""

import sys
from typing import Any

import grpc

from loadtests.servers import Answer, Unary, run


async def _main() -> Unary:
    channel = grpc.aio.insecure_channel(sys.argv[1])

    def answer_of(method: str) -> Answer:
        forward: Any = channel.unary_unary(method)

        async def answer(request: bytes, _context: Any) -> bytes:
            response: bytes = await forward(request)
            return response

        return answer

    return Unary(answer_of)


if __name__ == "__main__":
    run(_main)
