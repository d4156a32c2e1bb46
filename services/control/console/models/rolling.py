"""Rollouts: where each stands, what its step has shown, and moving it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, get_args

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.errors import Reason
from gateway.core.rollouts import Act
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.models.sides import document_of, known, tenants_of
from services.control.console.page import Parts
from services.control.console.policy.form import field_of, form_of
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.viewer import viewer_of
from services.control.preconditions import Unmatched, exactly
from services.control.rollouts_shown import RolloutStanding
from services.control.routes import versions_of
from services.control.undone import Undone
from services.not_done import NotDone
from services.reviews.evaluation import Evaluation
from services.rollouts.moves import MOST_CHARACTERS

ACTS: Final[tuple[Act, ...]] = get_args(Act)
HERE: Final = {Reason.NOT_FOUND, Reason.STORE_UNAVAILABLE, Reason.REVISION_MISSING}
"""Reasons that the page itself cannot be shown for."""
_Said = tuple[str, str, str, Evaluation]


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of these pages."""

    @get("/models/rollouts", right=Right.SEE, include_in_schema=False)
    async def rollouts(request: Asked) -> Response[str]:
        found = await parts.operations.rolling.list(language=viewer_of(request).language)
        return page(request, "models/rollouts.html", **known("rollouts"), rollouts=found)

    @get("/models/rollouts/{name:str}", right=Right.SEE, include_in_schema=False)
    async def rollout(request: Asked, name: FromPath[str]) -> Response[str]:
        return await _shown(request, parts, name)

    @post("/models/rollouts/{name:str}", right=Right.ROLLOUTS, include_in_schema=False)
    async def move(request: Asked, name: FromPath[str]) -> Response[Any]:
        form, language = await form_of(request), viewer_of(request).language
        act, reason, etag = (field_of(form, key) for key in ("act", "reason", "etag"))
        wanted: Act | None = next((each for each in ACTS if each == act), None)
        if wanted is None:
            return await _shown(request, parts, name, reason=reason)
        # Where the policy names people a move is a revision that they sign; else nobody need show who they are.
        signer = parts.operations.signer(request)
        try:
            number, _ = await parts.operations.rolling.move(
                name,
                wanted,
                reason=reason,
                who=principal_of(request),
                signer=signer,
                match=exactly(etag),
                language=language,
            )
        except (Undone, Unmatched) as undone:
            if undone.reason in HERE:
                raise
            return await _shown(request, parts, name, reason=reason, undone=undone)
        return go_to(request, f"/models/rollouts/{name}", say=texts_of(request)(f"models-did-{act}", number=number))

    return [rollouts, rollout, move]


async def _reviewed(request: Asked, parts: Parts, standing: RolloutStanding) -> Sequence[_Said]:
    """By arm, model and version what reviewers say of them; of versions that they say nothing of, nothing."""
    document = document_of(parts)
    if document is None:
        return ()
    said = await parts.operations.reviews.evaluations(tenants_of(request, parts))
    arms = ((arm, versions_of(document, route=standing.route, arm=arm)) for arm in (standing.arm, standing.against))
    return [(arm, *version, said[version]) for arm, versions in arms for version in versions if version in said]


async def _shown(
    request: Asked, parts: Parts, name: str, *, reason: str = "", undone: NotDone | None = None
) -> Response[str]:
    language = viewer_of(request).language
    standing = await parts.operations.rolling.get(name, language=language)
    document, refreshed = document_of(parts), request.headers.get("hx-target") == "standing"
    return page(
        request,
        "models/rollout.html",
        fragment="standing" if refreshed else "content",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if undone else HTTPStatus.OK,
        **known("rollouts"),
        rollout=standing,
        seen=request.query_params.get("seen", standing.etag),
        reviewed=() if refreshed else await _reviewed(request, parts, standing),
        may=principal_of(request).may(Right.ROLLOUTS),
        signed=bool(document and document.people),
        reason=reason,
        most=MOST_CHARACTERS,
        error=undone.said(language) if undone else "",
        field=undone.field if undone else "",
    )
