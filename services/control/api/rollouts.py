"""Rollouts over HTTP: where they stand, and moving them."""

from collections.abc import Callable
from typing import Final

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.rollouts import Act
from gateway.signing import Signer
from services.control.access.persons import language_in
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import (
    Asking,
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    Reasoned,
    match_of,
    tagged,
)
from services.control.paging import page
from services.control.policy import ActivePolicy
from services.control.rolling import Rolling
from services.control.rollouts_shown import RolloutShown, RolloutStanding

_ACTS: Final[dict[Act, tuple[str, str]]] = {
    "start": ("Start a rollout", "Let the candidate serve its first share; also once more after it was taken back."),
    "approve": ("Let a rollout go on", "Agree to the next step, where the policy wants somebody to."),
    "pause": ("Pause a rollout", "Let the candidate keep its share, and go no further."),
    "resume": ("Resume a rollout", "Go on; the step begins anew, and what was measured before does not count."),
    "abort": ("Take a candidate back", "It serves nobody from the next call on."),
}
Signers = Callable[[Asking], Signer | None]
"""What opens the key by which whoever asks signs revisions; `None`: nobody has one here."""


class RolloutsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Rollouts."""

    rollouts: tuple[RolloutShown, ...]
    next_page_token: str = ""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a move has led to."""

    revision: int
    """The revision that says so, which is active."""
    rollout: RolloutShown


class Rollouts:
    """Shows rollouts to who may see what happens, and lets some move them."""

    def __init__(self, rolling: Rolling, policy: ActivePolicy, signers: Signers) -> None:
        self._rolling = rolling
        self._policy = policy
        self._signers = signers

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @get("/v1/rollouts", right=Right.SEE, summary="List rollouts")
        async def listed(request: Asking, size: PageSize = 0, token: PageToken = "") -> Response[RolloutsShown]:
            """The rollouts of the active policy, by name."""
            found = await self._rolling.list(language=language_in(request))
            shown, further = page(found, place=lambda each: (0, each.name), size=size, token=token)
            return Response(RolloutsShown(rollouts=shown, next_page_token=further))

        @get("/v1/rollouts/{rollout:str}", right=Right.SEE, summary="Get a rollout")
        async def one(request: Asking, rollout: FromPath[str], known: IfNoneMatch = "") -> Response[RolloutStanding]:
            """Where one stands, what is proven of its step, and what it waits for."""
            found = await self._rolling.get(rollout, language=language_in(request))
            return tagged(found, etag=found.etag, known=known)

        return [listed, one, *(self._moving(act) for act in _ACTS)]

    def _moving(self, act: Act) -> HTTPRouteHandler:
        summary, description = _ACTS[act]

        @post(
            f"/v1/rollouts/{{rollout:str}}/:{act}",
            right=Right.ROLLOUTS,
            status_code=200,
            summary=summary,
            description=description,
            operation_class=takes(Reasoned),
        )
        async def move(request: Asking, rollout: FromPath[str], match: IfMatch = "") -> Response[Moved]:
            asked = msgspec.json.decode(await request.body(), type=Reasoned)
            number, shown = await self._rolling.move(
                rollout,
                act,
                reason=asked.reason,
                who=principal_of(request),
                signer=self._signers(request) if self._policy.names_people else None,
                match=match_of(match),
                language=language_in(request),
            )
            return tagged(Moved(revision=number, rollout=shown), etag=shown.etag)

        return move
