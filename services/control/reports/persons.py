"""The report about a person as a file to send them: asked for like the one in JSON, and kept nowhere."""

import asyncio
from collections.abc import AsyncIterable, Sequence
from typing import Any, Final

from litestar import Response

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import persons_pb2
from services.control.access.principals import Asked
from services.control.api.report_files import Form, file_answer
from services.control.api.streaming import STREAM_SECONDS
from services.control.audit_client import AuditClient, asking_as
from services.control.drafts.store import DraftProblem
from services.control.drafts.workshop import Workshop
from services.control.undone import Undone
from services.report_counts import newest_checkpoint
from services.report_persons import told
from services.reports.person import Told, person_report

MOST_ENTRIES: Final = 5_000
"""Decisions in one file: a table of so many takes some seconds to set."""
LONGEST_SECONDS: Final = 120.0


class PersonFiles:
    """Sets reports, one at a time, in a process beside the control plane that ends when it is done."""

    def __init__(self, client: AuditClient) -> None:
        self._client = client
        self._workshop = Workshop(seconds=LONGEST_SECONDS)
        self._turn = asyncio.Semaphore(1)

    async def answer(self, request: Asked, asked: persons_pb2.ReportPersonRequest, *, form: Form) -> Response[bytes]:
        """The file; the audit service notes who got it.

        Raises:
            Undone: ARGUMENT_INVALID where it has too many decisions for a file; DEADLINE_EXCEEDED where it is not set.
            CallEnded: STORE_UNAVAILABLE when nothing comes.
            grpc.aio.AioRpcError: the audit service refuses, or does not answer.
        """
        found = await self._told(request, asked)
        async with self._turn:
            try:
                body = await self._workshop.run(as_file, found, form)
            except DraftProblem as problem:
                raise Undone(Reason.DEADLINE_EXCEEDED, "report-person-unset") from problem
            finally:
                self._workshop.close()  # what sets it takes a lot of memory
        return file_answer(body, form=form, name="person")

    def close(self) -> None:
        """End what is being set."""
        self._workshop.close()

    async def _told(self, request: Asked, asked: persons_pb2.ReportPersonRequest) -> Told:
        stub: Any = self._client.stub
        call = stub.ReportPerson(asked, timeout=STREAM_SECONDS, metadata=asking_as(request))
        try:
            answers = await gathered(call, most=MOST_ENTRIES)
        finally:
            call.cancel()
        checkpoint = await newest_checkpoint(stub, metadata=asking_as(request))
        return told(answers, tenant=asked.tenant, checkpoint=checkpoint)


async def gathered(
    answers: AsyncIterable[persons_pb2.ReportPersonResponse], *, most: int
) -> Sequence[persons_pb2.ReportPersonResponse]:
    """All of a stream of answers, with so many decisions at most.

    Raises:
        Undone: ARGUMENT_INVALID where there are more.
        CallEnded: STORE_UNAVAILABLE when nothing comes.
    """
    found, count = list[persons_pb2.ReportPersonResponse](), 0
    async for answer in answers:
        found.append(answer)
        count += len(answer.entries)
        if count > most:
            raise Undone(Reason.ARGUMENT_INVALID, "report-person-long", field="format", most=most)
    if not found:
        raise CallEnded(Reason.STORE_UNAVAILABLE, "The answer was cut off; retry.")
    return found


def as_file(found: Told, form: Form) -> bytes:
    """The report as that file."""
    # Imported here, in the process that sets it: the control plane itself draws nothing.
    from services.reports.html import html
    from services.reports.pdf import pdf

    document = person_report(found)
    return html(document).encode() if form == "html" else pdf(document)
