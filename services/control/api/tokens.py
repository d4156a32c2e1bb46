"""One's own API tokens over HTTP."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.accesses import Access
from services.control.access.accounts import AccountProblem
from services.control.access.knowing import here_of
from services.control.access.principals import principal_of
from services.control.access.rights import OPEN, Right
from services.control.access.tokens import SIGN
from services.control.api.describing import takes
from services.control.api.people_messages import CreateToken, TokenMade, TokensShown, token_shown

SCOPES: Final = frozenset({right.value for right in Right} - {right.value for right in OPEN} | {SIGN})

Asked = Request[Any, Any, Any]


class OwnTokens:
    """Answers people who have logged in; a token makes no tokens."""

    def __init__(self, access: Access, *, clock_ms: Callable[[], int]) -> None:
        self._access = access
        self._clock_ms = clock_ms

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @get("/v1/tokens", right=Right.OWN, summary="One's tokens")
        async def tokens(request: Asked) -> Response[TokensShown]:
            """One's own tokens, newest first, without their secrets."""
            found = await self._access.tokens.of(principal_of(request).name)
            return Response(TokensShown(tokens=tuple(token_shown(*each) for each in found)))

        @post(
            "/v1/tokens",
            right=Right.OWN,
            status_code=201,
            summary="Make a token",
            operation_class=takes(CreateToken),
        )
        async def create(request: Asked) -> Response[TokenMade]:
            """Make a token; the answer has its secret, which is never shown again.

            It gives at most what its owner may do when it is used. With the scope `sign` it signs revisions for them.
            """
            here = self._access.knowing.confirmed(request)
            given = msgspec.json.decode(await request.body(), type=CreateToken)
            unknown = sorted(set(given.scopes) - SCOPES)
            if unknown:
                raise AccountProblem("token-scope", scope=unknown[0][:64], scopes=", ".join(sorted(SCOPES)))
            key = self._access.knowing.key(request) if SIGN in given.scopes else None
            made, text = await self._access.tokens.make(
                here.account,
                name=given.name,
                scopes=given.scopes,
                tenants=given.tenants,
                days=given.days,
                key=key,
                now_ms=self._clock_ms(),
            )
            body = TokenMade(token=token_shown(made, 0), secret=text)
            return Response(body, status_code=201, headers={"cache-control": "no-store"})

        @delete("/v1/tokens/{token:str}", right=Right.OWN, summary="Revoke a token")
        async def revoke(token: FromPath[str], request: Asked) -> None:
            """End one of one's own tokens at once."""
            here = here_of(request)
            if not await self._access.tokens.revoke(here.account.name, token):
                raise AccountProblem("token-unknown", id=token[:64])

        return [tokens, create, revoke]
