"""How a call has ended, as its caller is told it over gRPC."""

import asyncio
from collections.abc import Awaitable
from typing import Any, NoReturn

from gateway import refusal
from gateway.adapters.upstreams import UpstreamRefused, passed_on
from gateway.callrun import CallRun
from gateway.core.errors import CallEnded
from gateway.rpc.interceptors import end, unexpected
from gateway.rpc.status import said_by
from gateway.trailers import own


async def answered(context: Any, run: CallRun, serving: Awaitable[bytes]) -> bytes:
    """The answer that `serving` comes to; where there is none the caller is told why."""
    try:
        response = await serving
    except asyncio.CancelledError:
        raise
    except Exception as error:
        await tell(context, run, error)
    context.set_trailing_metadata(own(run))
    return response


async def tell(context: Any, run: CallRun, error: Exception) -> NoReturn:
    """Tell a caller why its call has ended, and end it."""
    if isinstance(error, UpstreamRefused):
        code, text, trailers = said_by(error.error)
        await context.abort(code, text, (*own(run), *passed_on(trailers)))
        raise AssertionError("abort returns never")  # noqa: TRY004
    ended = error if isinstance(error, CallEnded) else unexpected(error, run.incoming.method)
    await end(context, refusal.in_language(ended, run.incoming.language), trailers=own(run))
