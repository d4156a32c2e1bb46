"""Who is contacted too much or never, as people and programs see it, each with a correction that can be tried."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.core.errors import Reason
from gateway.core.policy.document import Document
from gateway.redis_clients import Client
from services.control.drafts.edits import Edit
from services.control.policy import ActivePolicy
from services.control.times import at
from services.control.undone import storing
from services.control.whatif.knobs import Knob, OwnCap, knobs_of, noting, own_cap, turned
from services.findings.targeting import Targeting, TargetingSkew, TargetingStore

WINDOW: Final = "7d"
_SECTIONS: Final = {Reason.CAP_EXCEEDED.value: "caps", Reason.LIMIT_EXCEEDED.value: "limits"}
_NOTED: Final = {Reason.POLICY_DENIED.value: "rules", Reason.QUIET_HOURS.value: "quiet_hours"}


class Correction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change of the active policy that would make the difference smaller; it can be tried with `POST /v1/what-if`."""

    kind: str
    """"own-cap": a cap for the segment alone. "raise": of the cap or limit that refuses most. "note": let the rule or
    the quiet hours that refuse most only note for now."""
    part: str
    """The segment, or the name of the cap, limit, rule or quiet hours."""
    value: int = 0
    """Of the cap or limit then."""
    edits: tuple[Edit, ...]
    fields: dict[str, str]
    """The same as the address of the page of what-if has it."""


class SkewShown(TargetingSkew, frozen=True, kw_only=True, rename="camel"):
    """One segment by one question, with what could be done about it."""

    correction: Correction | None = None
    """`null`: nothing that a policy says brings it about, or it has changed since."""


class TargetingShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One tenant. It holds no personal data."""

    name: str
    """`targetings/{tenant}`."""
    tenant: str
    start_time: dt.datetime
    """Of the four weeks that were looked at, up to `endTime`."""
    end_time: dt.datetime
    people: int
    skews: tuple[SkewShown, ...]
    """The surest first."""


class TargetingBook:
    """What is known of tenants."""

    def __init__(self, redis: Client, policy: ActivePolicy) -> None:
        self._store = TargetingStore(redis)
        self._policy = policy

    async def of(self, tenants: Sequence[str]) -> tuple[TargetingShown, ...]:
        """Those of these tenants that something was worked out for, by name.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            found = await self._store.of(sorted(tenants))
        revision = self._policy.revision
        document = None if revision is None else revision.document
        return tuple(_shown(each, document) for each in found)


def correction_of(skew: TargetingSkew, document: Document | None) -> Correction | None:
    """What could be tried against it."""
    if document is None or skew.standing != "MORE":
        return None
    knobs = knobs_of(document)
    if skew.question == "much":
        cap = OwnCap(segment=skew.segment, most=skew.ceiling, window=WINDOW)
        edit = own_cap(cap, taken=frozenset(each.part for each in knobs))
        fields = {"own-segment": cap.segment, "own-most": str(cap.most), "own-window": cap.window}
        return Correction(kind="own-cap", part=skew.segment, value=cap.most, edits=(edit,), fields=fields)
    if skew.cause is None:
        return None
    reason, part = skew.cause.reason, skew.cause.rule
    knob = next((each for each in knobs if (each.section, each.part) == (_SECTIONS.get(reason), part)), None)
    if knob is not None and knob.value is not None:
        return _raised(knobs, knob, knob.value + 1)
    key = f"notes.{_NOTED.get(reason, '')}.{part}"
    edits = noting(document, (key,)) if reason in _NOTED else ()
    return Correction(kind="note", part=part, edits=edits, fields={key: "on"}) if edits else None


def _raised(knobs: tuple[Knob, ...], knob: Knob, value: int) -> Correction:
    edits = turned(knobs, {knob.key: value})
    return Correction(kind="raise", part=knob.part, value=value, edits=edits, fields={knob.key: str(value)})


def _shown(targeting: Targeting, document: Document | None) -> TargetingShown:
    return TargetingShown(
        name=f"targetings/{targeting.tenant}",
        tenant=targeting.tenant,
        start_time=at(targeting.start_ms),
        end_time=at(targeting.end_ms),
        people=targeting.people,
        skews=tuple(
            SkewShown(**msgspec.structs.asdict(each), correction=correction_of(each, document))
            for each in targeting.skews
        ),
    )
