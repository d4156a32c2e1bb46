"""What the operations on reports take and give, as JSON."""

import datetime as dt
from typing import Annotated, Literal

import msgspec

from services.control.api.people_messages import Given, Taken
from services.control.drafts.texts import say
from services.control.reports.desk import Standing
from services.control.reports.store import KEPT_MS, Written
from services.control.times import iso
from services.report_making import Wanted

Name = Annotated[str, msgspec.Meta(max_length=128)]
Time = Annotated[dt.datetime, msgspec.Meta(tz=True)]


class AskReport(Taken, frozen=True, kw_only=True):
    """Which report is wanted."""

    kind: Literal["period", "version"]
    start_time: Time
    """RFC 3339, in whole seconds; calls that were received from then on."""
    end_time: Time
    """Before this one; at most 366 days later."""
    tenant: Name = ""
    """Empty: all whose decisions whoever asks may see."""
    model: Name = ""
    """Of a version: its model, and which one."""
    version: Name = ""
    language: Literal["", "en", "fr"] = ""
    """Empty: that of the answer."""

    def wanted(self, *, language: str) -> Wanted:
        """The same, in that language where none is asked for."""
        return Wanted(
            kind=self.kind,
            start_ms=_ms(self.start_time),
            end_ms=_ms(self.end_time),
            language=self.language or language,
            tenant=self.tenant,
            model=self.model,
            version=self.version,
        )


class ReportCheckpoint(Given, frozen=True, kw_only=True):
    """What proves a report: the log, as it was signed when the report was made. It stands in the report too."""

    tree_size: int
    root_hash: str
    """64 hexadecimal digits."""
    sign_time: str
    note: str
    """The signed checkpoint itself."""
    verifier_key: str
    """That checks it."""


class ReportShown(Given, frozen=True, kw_only=True):
    """A report."""

    name: str
    """`reports/{report}`."""
    kind: str
    """"period" or "version"."""
    start_time: str
    end_time: str
    tenant: str
    """Empty: all whose decisions its owner could see."""
    model: str
    version: str
    language: str
    state: str
    """"waiting", "running", "succeeded", "failed" or "cancelled"."""
    done: int
    """Steps that are done, of `total`, which is 0 as long as it is not known."""
    total: int
    create_time: str
    expire_time: str
    """Until when it is kept."""
    failure: str = ""
    """Of one that failed: why, and what to do."""
    title: str = ""
    """Of one that succeeded; likewise what follows."""
    sha256: str = ""
    """Of its HTML, by which the log names it: 64 hexadecimal digits."""
    checkpoint: ReportCheckpoint | None = None
    """`null`: nothing was signed yet."""


class ReportsShown(Given, frozen=True, kw_only=True):
    """One's own reports, the newest first."""

    reports: tuple[ReportShown, ...]
    next_page_token: str = ""
    """Of the page that follows; empty: there is none."""


def report_shown(found: Standing, *, language: str) -> ReportShown:
    """A report as it is told; that language is the reader's."""
    kept, wanted, written = found.kept, found.kept.wanted, found.written
    return ReportShown(
        name=kept.name,
        kind=wanted.kind,
        start_time=iso(wanted.start_ms),
        end_time=iso(wanted.end_ms),
        tenant=wanted.tenant,
        model=wanted.model,
        version=wanted.version,
        language=wanted.language,
        state=found.state,
        done=found.done,
        total=found.total,
        create_time=iso(kept.created_ms),
        expire_time=iso(kept.created_ms + KEPT_MS),
        failure=say(found.failure, language=language) if found.failure else "",
        title=written.title if written else "",
        sha256=written.sha256 if written else "",
        checkpoint=_checkpoint(written),
    )


def _checkpoint(written: Written | None) -> ReportCheckpoint | None:
    if written is None or not written.root:
        return None
    return ReportCheckpoint(
        tree_size=written.tree_size,
        root_hash=written.root,
        sign_time=iso(written.signed_ms),
        note=written.note,
        verifier_key=written.key,
    )


def _ms(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)
