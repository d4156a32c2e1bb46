"""Makes a report that somebody wants: checks what is wanted, has it counted, and gives the files."""

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from gateway.core.errors import Reason
from services.control.filters import both, either, is_
from services.not_done import NotDone
from services.report_counts import Counting, Progress
from services.reports.counted import Checkpoint, Period
from services.reports.period import period_report
from services.reports.wanted_texts import say

LONGEST_MS: Final = 366 * 86_400_000
_LONGEST_NAME: Final = 128


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which report. Times are milliseconds since the epoch."""

    kind: Literal["period", "version"]
    start_ms: int
    end_ms: int
    """Before which what is counted was received."""
    language: str
    """"en" or "fr"."""
    tenant: str = ""
    """Empty: all that whoever asks may see."""
    model: str = ""
    """Of a version: its model."""
    version: str = ""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A report."""

    title: str
    html: str
    pdf: bytes
    checkpoint: Checkpoint | None

    @property
    def id(self) -> str:
        """Its id, 16 hexadecimal digits of the SHA-256 of its HTML: another one wherever a number is another one."""
        return self.sha256[:16]

    @property
    def sha256(self) -> str:
        """Of the HTML, 64 hexadecimal digits."""
        return hashlib.sha256(self.html.encode()).hexdigest()

    def told(self, wanted: Wanted) -> dict[str, object]:
        """What the log says of it: which it is, and which checkpoint proves it."""
        point = self.checkpoint
        return {
            **{name: value for name, value in msgspec.structs.asdict(wanted).items() if value},
            "sha256": self.sha256,
            "tree_size": point.size if point else 0,
            "root_hash": point.root if point else "",
        }


class ReportWrong(NotDone):
    """There is no such report."""

    say = staticmethod(say)

    def __init__(self, code: str, /, *, field: str = "") -> None:
        super().__init__(code, reason=Reason.ARGUMENT_INVALID, field=field)


def checked(wanted: Wanted) -> Wanted:
    """It, with a time in whole seconds, as filters have it.

    Raises:
        ReportWrong: its end is not after its start, it is longer than 366 days, or it names no version.
    """
    if wanted.end_ms <= wanted.start_ms or wanted.start_ms < 0:
        raise ReportWrong("report-span", field="endTime")
    if wanted.end_ms - wanted.start_ms > LONGEST_MS:
        raise ReportWrong("report-long", field="endTime")
    if wanted.kind == "version" and not (wanted.model and wanted.version):
        raise ReportWrong("report-version", field="version")
    if any(len(name) > _LONGEST_NAME for name in (wanted.tenant, wanted.model, wanted.version)):
        raise ReportWrong("report-name", field="version")
    start_ms, end_ms = wanted.start_ms // 1000 * 1000, -(-wanted.end_ms // 1000) * 1000
    return msgspec.structs.replace(wanted, start_ms=start_ms, end_ms=end_ms)


async def made(
    counting: Counting, wanted: Wanted, *, tenants: Sequence[str], now_ms: int, progress: Progress | None = None
) -> Made:
    """The report. `tenants` are those whose findings belong to it where it is about none in particular.

    Raises:
        ReportWrong: there is no such report.
        Exception: what `Counting.period` raises.
    """
    asked = checked(wanted)
    period = await counting.period(
        tenants=tenants,
        start_ms=asked.start_ms,
        end_ms=asked.end_ms,
        now_ms=now_ms,
        tenant=asked.tenant,
        more=_of_version(asked),
        progress=progress,
    )
    if asked.kind == "version":
        period = _about(period, asked)
        moved = [each.number for each in period.revisions if each.how == "rollout"]
        span = {"start_ms": asked.start_ms, "end_ms": asked.end_ms}
        own = (asked.tenant,) if asked.tenant else tenants
        found = await counting.versions.about(asked.model, asked.version, tenants=own, moved=moved, **span)
        period = msgspec.structs.replace(period, version=found)
    document = period_report(period, language=asked.language, model=asked.model, version=asked.version)
    # What sets pictures and pages takes half a second and 60 MB, which only those should have who make reports.
    from services.reports.html import html
    from services.reports.pdf import pdf

    return Made(title=document.title, html=html(document), pdf=pdf(document), checkpoint=period.checkpoint)


def _of_version(wanted: Wanted) -> str:
    """Calls that a version served, and those that it led to."""
    if wanted.kind != "version":
        return ""
    served = both(is_("model", wanted.model), is_("model_version", wanted.version))
    return either(served, both(is_("lineage.model", wanted.model), is_("lineage.version", wanted.version)))


def _about(period: Period, wanted: Wanted) -> Period:
    """Without what is not about the version: what people did, and other findings."""
    # Most findings name a model's version with its model; those of reviews do not.
    names = {("version", wanted.version), ("version", f"{wanted.model}/{wanted.version}")}
    ours = tuple(each for each in period.findings if not names.isdisjoint(each.seen.about))
    return msgspec.structs.replace(period, findings=ours, deeds=(), deeds_cut=False, pressures=())
