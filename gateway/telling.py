"""Why a call has ended, as its caller is told it over gRPC."""

from typing import Any, NoReturn

from gateway import refusal
from gateway.adapters.upstreams import UpstreamRefused, passed_on
from gateway.callrun import CallRun
from gateway.core.errors import CallEnded
from gateway.rpc.interceptors import end, unexpected
from gateway.rpc.status import said_by
from gateway.trailers import own


async def tell(context: Any, run: CallRun, error: Exception) -> NoReturn:
    """Tell a caller why its call has ended, and end it."""
    if isinstance(error, UpstreamRefused):
        code, text, trailers = said_by(error.error)
        await context.abort(code, text, (*own(run), *passed_on(trailers)))
        raise AssertionError("abort returns never")  # noqa: TRY004
    ended = error if isinstance(error, CallEnded) else unexpected(error, run.incoming.method)
    await end(context, refusal.in_language(ended, run.incoming.language), trailers=own(run))
