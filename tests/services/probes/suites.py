"""Suites to vary, as text: a contact of the small policy in `tests.policies`."""

from typing import Any

import yaml

from services.probes.reading import read
from services.probes.suite import Suite
from tests.policies import SEND

OFFER: dict[str, Any] = {
    "name": "offer",
    "agent": "bot",
    "method": SEND,
    "request": {
        "message": {
            "customer": "contacts/cnt_000001",
            "channel": "email",
            "category": "marketing",
            "subjectLine": "Your offer",
            "body": "Dear Ada",
        }
    },
    "facts": {"time_zone": "Europe/Paris", "traits": {"first_name": "Ada", "city": "Paris"}},
}


def text(*probes: dict[str, Any], **more: Any) -> str:
    """A suite of these probes about the offer, as YAML."""
    return yaml.safe_dump(
        {
            "suite": "contacts",
            "bases": [OFFER],
            "probes": [{"base": "offer", "name": f"p{number}", **probe} for number, probe in enumerate(probes)],
            **more,
        },
        sort_keys=False,
        allow_unicode=True,
    )


def suite(*probes: dict[str, Any], **more: Any) -> Suite:
    """The same, read."""
    return read(text(*probes, **more))
