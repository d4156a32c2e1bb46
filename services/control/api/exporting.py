"""Exports over HTTP: the files that `pilote audit export` writes, with what proves them."""

import asyncio
import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Schema
from litestar.params import QueryParameter
from litestar.response import Stream

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import audit_service_pb2
from services.commands.export_writing import FORMATS, json_line, manifest_file, manifest_line, writing
from services.commands.exporting import entry_of
from services.control.access.persons import language_in
from services.control.access.rights import Right
from services.control.api.parameters import Asking
from services.control.api.proto_schemas import described
from services.control.audit_client import AuditClient, asking_as, ended, filled
from services.proof.exports import Head, Row, columns_of, head_text, read_head

MOST: Final = 4
"""Most exports at once."""
_CHUNK_BYTES: Final = 256 * 1024
_NAMES: Final = {
    "jsonl": ("decisions.jsonl", "application/x-ndjson"),
    "csv": ("decisions.csv.zip", "application/zip"),
    "parquet": ("decisions.parquet", "application/vnd.apache.parquet"),
}
_Filter = Annotated[str, QueryParameter(name="filter", description="AIP-160 filter; empty: the whole log.")]
_Format = Annotated[str, QueryParameter(name="format", description="jsonl, csv (a zip with its manifest) or parquet.")]
_Previous = Annotated[
    int,
    QueryParameter(name="previousTreeSize", description="Size of a log seen earlier, to prove that this continues it."),
]
_Cosigned = Annotated[bool, QueryParameter(name="cosigned", description="Only what a witness has seen.")]
_Proofs = Annotated[bool, QueryParameter(name="proofs", description="With the proof of each row.")]


class Progress(msgspec.Struct):
    """How far an export is."""

    rows: int = 0
    """Decisions that are written."""
    state: Literal["writing", "done", "failed"] = "writing"


class Exports:
    """Writes exports for who may."""

    def __init__(self, client: AuditClient) -> None:
        self._client = client
        self._free = asyncio.Semaphore(MOST)

    def handlers(self) -> list[HTTPRouteHandler]:
        """The one operation."""
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        found = OpenAPIResponse(
            description="The file; `pilote verify` needs no more than that and the log's key.",
            content={media: OpenAPIMediaType(schema=schema) for _, media in _NAMES.values()},
        )

        @get("/v1/decisions:export", right=Right.EXPORT, summary="Export", operation_class=described({"200": found}))
        async def export(
            request: Asking,
            *,
            text: _Filter = "",
            form: _Format = "jsonl",
            proofs: _Proofs = False,
            previous: _Previous = 0,
            cosigned: _Cosigned = False,
        ) -> Response[Any]:
            """Decisions that match a filter, or the whole log, as a file with query, time and signed checkpoint."""
            values = {"filter": text, "proofs": proofs, "previousTreeSize": previous, "cosigned": cosigned}
            return await self.exported(request, values, form=form)

        return [export]

    async def exported(
        self, request: Asking, values: Mapping[str, Any], *, form: str, progress: Progress | None = None
    ) -> Response[Any]:
        """The file; `values` are those of the question, and `progress` says how far it is while it is written.

        Raises:
            CallEnded: ARGUMENT_INVALID for a form that there is not, LIMIT_EXCEEDED where too many are written.
            grpc.aio.AioRpcError: the audit service refuses, or does not answer.
        """
        language = language_in(request)
        if form not in FORMATS:
            raise ended(Reason.ARGUMENT_INVALID, "export-format", language, field="format", known=", ".join(FORMATS))
        if self._free.locked():
            raise ended(Reason.LIMIT_EXCEEDED, "exports-full", language)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._free)
            asked = filled(audit_service_pb2.ExportDecisionsRequest, {**values, "entriesOnly": True})
            call: Any = self._client.stub.ExportDecisions(asked, metadata=asking_as(request))
            stack.callback(call.cancel)
            rows = _counted(_rows(call), progress or Progress())
            head = read_head(str(await anext(rows)))
            chunks = _lines(head, rows)
            if form != "jsonl":
                chunks = _chunks(await _file(stack, head, rows, form=form))
            kept = stack.pop_all()
        name, media = _NAMES[form]
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Stream(_then(chunks, kept), media_type=media, headers=headers, status_code=HTTPStatus.OK)


async def _counted(rows: AsyncIterator[str | Row], progress: Progress) -> AsyncIterator[str | Row]:
    """The same, while `progress` is told how many have come."""
    try:
        async for row in rows:
            progress.rows += not isinstance(row, str)
            yield row
        progress.state = "done"
    finally:
        if progress.state != "done":
            progress.state = "failed"


async def _rows(call: Any) -> AsyncIterator[str | Row]:
    """The head, then all rows, then the manifest.

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer, or takes the filter for none.
    """
    async for answer in call:
        if answer.head:
            yield str(answer.head)
        if answer.entries:
            yield tuple(entry_of(each) for each in answer.entries)
        if answer.manifest:
            yield str(answer.manifest)


async def _lines(head: Head, rows: AsyncIterator[str | Row]) -> AsyncIterator[bytes]:
    """An export as JSON Lines, as it comes. One that is cut off lacks its last line, and verifies nowhere."""
    held = head_text(head).encode() + b"\n"
    async for row in rows:
        held += manifest_line(row) if isinstance(row, str) else json_line(columns_of(row, at_ms=head.at_ms), row)
        if len(held) >= _CHUNK_BYTES:
            yield held
            held = b""
    yield held


async def _file(stack: contextlib.AsyncExitStack, head: Head, rows: AsyncIterator[str | Row], *, form: str) -> Path:
    """An export as a file, which is there until the stack is closed."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="pilote-export-"))
    stack.push_async_callback(asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True)
    path = folder / f"decisions.{form}"
    with writing(path, form, head) as writer:
        manifest = ""
        async for row in rows:
            if isinstance(row, str):
                manifest = row
            else:
                writer.row(row)
        if not manifest:
            raise CallEnded(Reason.STORE_UNAVAILABLE, "The export was cut off; retry.")
        await asyncio.to_thread(writer.end, manifest)
    return await asyncio.to_thread(_zipped, path) if form == "csv" else path


def _zipped(path: Path) -> Path:
    """The file and its manifest in one."""
    whole = path.with_suffix(".zip")
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in (path, manifest_file(path)):
            archive.write(part, part.name)
    return whole


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk


async def _then(chunks: AsyncIterator[bytes], kept: contextlib.AsyncExitStack) -> AsyncIterator[bytes]:
    """The chunks, and then the end of what they were made of."""
    async with kept:
        async for chunk in chunks:
            yield chunk
