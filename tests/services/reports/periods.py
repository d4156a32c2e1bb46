"""Weeks that reports are made of."""

from typing import Any

import msgspec

from services.findings.finding import Finding, found
from services.reports.counted import Bucket, Checkpoint, Counted, Deed, Held, Made, Period
from tests.services.findings.test_finding import seen

DAY_MS = 86_400_000
START_MS = 1_763_942_400_000
"""24 November 2025."""


def counted(**values: int) -> Counted:
    """A field with these values, "none" for those that have none."""
    return Counted(tuple(("" if name == "none" else name, count) for name, count in values.items()))


def deed(resource: str, operation: str = "", *, person: str = "zoe", kind: str = "change") -> Deed:
    """Something that somebody did."""
    return Deed(kind=kind, operation=operation, resource=resource, person=person, at_ms=START_MS)


def finding(kind: str = "drift", **changes: object) -> Finding:
    """One that was seen in the week."""
    wanted: dict[str, Any] = {"kind": kind, "start_ms": START_MS, "end_ms": START_MS + DAY_MS} | changes
    return found(None, seen(**wanted), now_ms=START_MS)


def checkpoint(**changes: object) -> Checkpoint:
    """One that was signed after the week."""
    wanted: dict[str, object] = {
        "origin": "example.com/pilote", "size": 54_321, "root": "ab" * 32, "signed_ms": START_MS + 8 * DAY_MS,
        "note": "example.com/pilote\n54321\nq6urqw==\n\n\u2014 example.com/pilote AAAA\n",
        "key": "example.com/pilote+01234567+AAAA", "valid": True,
    }  # fmt: skip
    return msgspec.convert(wanted | changes, Checkpoint)


def week(**changes: object) -> Period:
    """A week of a tenant at work."""
    usual = Period(
        tenant="acme",
        start_ms=START_MS,
        end_ms=START_MS + 7 * DAY_MS,
        made_ms=START_MS + 8 * DAY_MS,
        total=12_345,
        facets={
            "verdict": counted(ALLOW=11_000, DENY=1_200, HOLD=100, DEFER=45),
            "agent": Counted((("sales-bot", 8_000), ("support-bot", 4_345))),
            "model_version": Counted((("2.1", 12_000), ("", 345))),
            "method": Counted((("/pilote.crm.v1.MessageService/SendMessage", 12_345),)),
            "operation": counted(CONTACT=9_000, READ=3_345),
            "reason": counted(none=11_000, CAP_EXCEEDED=1_200),
            "rule": Counted((("marketing-cap", 1_200),)),
            "revision": Counted((("12", 12_345),)),
            "state": counted(SETTLED=12_000, IN_DOUBT=5, RUNNING=340),
        },
        refused={
            "agent": Counted((("sales-bot", 1_200),)),
            "model_version": Counted((("2.1", 1_200),)),
            "method": Counted((("/pilote.crm.v1.MessageService/SendMessage", 1_200),)),
        },
        contacts={
            "channel": counted(email=6_000, sms=1_500),
            "category": counted(marketing=7_500),
            "agent": Counted((("sales-bot", 7_500),)),
        },
        contacted=7_500,
        buckets=tuple(Bucket(START_MS + day * DAY_MS, {"ALLOW": 1_500, "DENY": 170}) for day in range(7)),
        width_ms=DAY_MS,
        held=100,
        reviewed=80,
        acted_alone=9_000,
        about_people=9_100,
        short_kept=0,
        waits=(Held(0, 60_000), Held(0, 120_000), Held(0, 600_000)),
        deeds=(deed("stops/acme/all", "create"), deed("subjects/ab", kind="access", person="max")),
        revisions=(Made(number=12, author="ida", approvers=("max",), how="apply", activated_ms=START_MS),),
        findings=(finding(),),
        checkpoint=checkpoint(),
    )
    return msgspec.structs.replace(usual, **changes)
