"""What the operations on drafts, proposals and jobs take and give, as JSON."""

from typing import Annotated, Any, Literal

import msgspec

from gateway.core.policy.vocabulary import Duration
from services.control.api.people_messages import Given, Taken
from services.control.drafts.edits import Edit
from services.control.drafts.store import Draft
from services.control.jobs import Job
from services.control.times import iso

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
DraftText = Annotated[str, msgspec.Meta(max_length=4 * 1024 * 1024)]
Title = Annotated[str, msgspec.Meta(max_length=1000)]
Most = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class CreateDraft(Taken, frozen=True, kw_only=True):
    """A draft to begin; with neither text nor origin it begins with the active policy."""

    title: Title
    text: DraftText | None = None
    from_revision: Annotated[int, msgspec.Meta(ge=1)] | None = None
    from_draft: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """`policy-drafts/{draft}` or its id alone."""


class UpdateDraft(Taken, frozen=True, kw_only=True):
    """What a draft is to say; `null` or nothing: it stays as it is."""

    title: Title | None = None
    text: DraftText | None = None


class EditDraft(Taken, frozen=True, kw_only=True):
    """Changes of parts of a draft, made one after the other; the rest of its text stays byte for byte."""

    edits: Annotated[tuple[Edit, ...], msgspec.Meta(min_length=1, max_length=50)]


class CheckDraft(Taken, frozen=True, kw_only=True):
    """What to check."""

    text: DraftText | None = None
    """In place of what is saved."""
    findings: bool = True
    """Whether to look for rules that do nothing, too, which takes longer."""


class CompleteDraft(Taken, frozen=True, kw_only=True):
    """Where somebody types."""

    line: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    column: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    text: DraftText | None = None
    """In place of what is saved."""


class CompareDraft(Taken, frozen=True, kw_only=True):
    """What to compare with the active policy."""

    text: DraftText | None = None
    """In place of what is saved."""


class PlanDraft(Taken, frozen=True, kw_only=True):
    """Over which recorded calls."""

    since: Duration = "7d"
    """Those received since so long ago; at most 366d."""
    tenant: Annotated[str, msgspec.Meta(max_length=63)] = ""
    """Whose; empty: everybody's."""


class BacktestDraft(PlanDraft, frozen=True, kw_only=True):
    """Likewise."""

    since: Duration = "30d"
    most: Most = 0
    """The newest so many; 0: all."""


class TryDraft(PlanDraft, frozen=True, kw_only=True):
    """One part to try by itself."""

    section: Literal["rules", "limits", "caps", "quiet_hours", "consents", "sequences", "pressure"]
    part: Annotated[str, msgspec.Meta(max_length=63)] = ""
    """Its name; empty for the pressure."""
    since: Duration = "30d"
    most: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    """The newest so many calls."""
    text: DraftText | None = None
    """In place of what is saved."""


class SubmitDraft(Taken, frozen=True, kw_only=True):
    """Why, for those who decide and those who read the history."""

    reason: Reason


class Decide(Taken, frozen=True, kw_only=True):
    """What to say to a proposal."""

    comment: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class RollBack(Taken, frozen=True, kw_only=True):
    """What to go back to, and why."""

    revision: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """By default the last one that says something else."""
    reason: Reason


class DraftShown(Given, frozen=True, kw_only=True):
    """A draft."""

    name: str
    """`policy-drafts/{draft}`."""
    title: str
    owner: str
    base: int
    """The revision that it was made from; 0: none."""
    etag: str
    create_time: str
    update_time: str
    updated_by: str
    proposal: str = ""
    """`proposals/{number}` that was made of it last; empty: none."""
    text: str | None = None
    """Of a draft that is looked at."""


class Drafts(Given, frozen=True, kw_only=True):
    """Drafts, those that were changed last first."""

    policy_drafts: tuple[DraftShown, ...]
    next_page_token: str = ""


class JobShown(Given, frozen=True, kw_only=True):
    """A job."""

    name: str
    """`jobs/{job}`."""
    kind: str
    about: str
    """The resource that it is about."""
    state: str
    """"waiting", "running", "succeeded", "failed" or "cancelled"."""
    done: int
    total: int
    """0: not known yet."""
    create_time: str
    end_time: str = ""
    failure: str = ""
    """Of one that failed: why, and what to do."""
    result: Any = None  # not `Raw | None`: null would be described twice, and match neither
    """Of one that succeeded."""


class JobsShown(Given, frozen=True, kw_only=True):
    """One's own jobs, the newest first."""

    jobs: tuple[JobShown, ...]
    next_page_token: str = ""
    """Of the page that follows; empty: there is none."""


class RolledBack(Given, frozen=True, kw_only=True):
    """What came of going back."""

    revision: int
    """The revision that is active now; 0 where others must agree first."""
    restores: int
    """The one whose policy that is."""
    proposal: str = ""
    """`proposals/{number}` where others must agree."""


def draft_shown(draft: Draft, text: str | None = None) -> DraftShown:
    """A draft, with its text where that is to be shown."""
    return DraftShown(
        name=f"policy-drafts/{draft.id}",
        title=draft.title,
        owner=draft.owner,
        base=draft.base,
        etag=draft.etag,
        create_time=iso(draft.created_ms),
        update_time=iso(draft.updated_ms),
        updated_by=draft.updated_by,
        proposal=f"proposals/{draft.proposal}" if draft.proposal else "",
        text=text,
    )


def job_shown(job: Job, failure: str) -> JobShown:
    """A job; `failure` in words."""
    return JobShown(
        name=f"jobs/{job.id}",
        kind=job.kind,
        about=job.about,
        state=job.state,
        done=job.done,
        total=job.total,
        create_time=iso(job.created_ms),
        end_time=iso(job.ended_ms) if job.ended_ms else "",
        failure=failure,
        result=job.result if job.state == "succeeded" else None,
    )
