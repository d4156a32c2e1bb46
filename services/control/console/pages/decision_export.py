"""Exports of what is looked for, and how far one is while its file is written."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from pilote.audit.v1 import summaries_pb2
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.exporting import Progress
from services.control.console.page import Parts
from services.control.console.rendering import STOP_ASKING, page

_KEPT: Final = 200
"""Exports whose progress is known; of older ones nobody asks any more."""


class _Written(msgspec.Struct):
    """An export that somebody has asked for."""

    progress: Progress
    filter: str
    total: int | None = None
    """How many decisions it will have; `None` until they are counted."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of exports."""
    audit, stub = parts.audit, parts.audit.stub
    written: OrderedDict[tuple[str, str], _Written] = OrderedDict()

    @get("/decisions/export", right=Right.EXPORT, include_in_schema=False)
    async def export(request: Asked) -> Response[Any]:
        asked = request.query_params
        one = _Written(Progress(), asked.get("asked", ""))
        if name := asked.get("progress", "")[:64]:
            written[principal_of(request).name, name] = one
            while len(written) > _KEPT:
                written.popitem(last=False)
        values = {"filter": one.filter, "proofs": asked.get("proofs") == "on"}
        return await parts.exports.exported(request, values, form=asked.get("format", "jsonl"), progress=one.progress)

    @get("/decisions/exports/{name:str}", right=Right.EXPORT, include_in_schema=False)
    async def progress(request: Asked, name: FromPath[str]) -> Response[str]:
        """How far an export is; of one that another process writes nothing is known."""
        one = written.get((principal_of(request).name, name))
        if one is not None and one.total is None and one.progress.state == "writing":
            asked = summaries_pb2.SummarizeDecisionsRequest(filter=one.filter)
            one.total = (await audit.answer(request, stub.SummarizeDecisions, asked)).total_count
        ended = one is not None and one.progress.state != "writing"
        status = STOP_ASKING if ended else 200
        return page(request, "decisions/export.html", fragment="export", written=one, status=status)

    return [export, progress]
