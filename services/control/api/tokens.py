"""One's own API tokens over HTTP."""

import msgspec
from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.accesses import Access
from services.control.access.knowing import here_of
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import PageSize, PageToken
from services.control.api.people_messages import CreateToken, TokenMade, TokensShown, token_shown
from services.control.paging import page
from services.control.people import People


class OwnTokens:
    """Answers people who have logged in; a token makes no tokens."""

    def __init__(self, access: Access, people: People) -> None:
        self._access = access
        self._people = people

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @get("/v1/tokens", right=Right.OWN, summary="One's tokens")
        async def tokens(request: Asked, size: PageSize = 0, token: PageToken = "") -> Response[TokensShown]:
            """One's own tokens, newest first, without their secrets."""
            found, further = page(
                await self._access.tokens.of(principal_of(request).name),
                place=lambda each: (each[0].created_ms, each[0].id),
                size=size,
                token=token,
                descending=True,
            )
            return Response(TokensShown(tokens=tuple(token_shown(*each) for each in found), next_page_token=further))

        @post(
            "/v1/tokens",
            right=Right.OWN,
            status_code=201,
            summary="Make a token",
            operation_class=takes(CreateToken),
            told_once=True,
        )
        async def create(request: Asked) -> Response[TokenMade]:
            """Make a token; the answer has its secret, which is never shown again.

            It gives at most what its owner may do when it is used. With the scope `sign` it signs revisions for them.
            """
            here_of(request)
            given = msgspec.json.decode(await request.body(), type=CreateToken)
            made, text = await self._people.make_token(
                request, name=given.name, scopes=given.scopes, tenants=given.tenants, days=given.days
            )
            body = TokenMade(token=token_shown(made, 0), secret=text)
            return Response(body, status_code=201, headers={"cache-control": "no-store"})

        @delete("/v1/tokens/{token:str}", right=Right.OWN, summary="Revoke a token")
        async def revoke(token: FromPath[str], request: Asked) -> None:
            """End one of one's own tokens at once."""
            await self._people.revoke_token(request, token)

        return [tokens, create, revoke]
