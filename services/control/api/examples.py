"""Bodies as they may be sent, for who reads the description of the interface: by the operation's id."""

from collections.abc import Mapping
from typing import Any, Final

EXAMPLES: Final[Mapping[str, Any]] = {
    "createStop": {"tenant": "acme", "what": "agent=sales-bot", "reason": "It writes to people who said no."},
    "resumeStops": {"tenant": "acme", "what": "agent=sales-bot", "reason": "Its prompt is mended."},
    "approveHold": {"reason": "She asked for this offer herself."},
    "refuseHold": {"reason": "Too pushy."},
    "startRollout": {"reason": "Version 2 is better in every offline test."},
    "approveRollout": {"reason": "A quarter of the calls looks good."},
    "pauseRollout": {"reason": "The campaign begins today."},
    "resumeRollout": {"reason": "The campaign is over."},
    "abortRollout": {"reason": "Customers complain."},
    "loadVault": {
        "csv": "customer,value\ncontacts/ada,female\ncontacts/bob,male\n",
        "purpose": "To see whether offers are fair.",
        "legalBasis": "Consent given in the survey of March.",
        "keepDays": 90,
    },
    "forgetVault": {"customer": "contacts/ada", "reason": "She has withdrawn her consent."},
    "runProbe": {"draft": "policy-drafts/5f0c9a1b2d3e"},
    "createView": {"name": "views/refused-today", "filter": "verdict = DENY AND since(24h)"},
    "readDecisionValues": {"reason": "The customer asks why she was written to."},
    "reportPersons": {"subject": "contacts/ada", "tenant": "acme", "reason": "Her request of 12 November."},
    "eraseSubjects": {"subject": "contacts/ada", "tenant": "acme", "reason": "Her request of 12 November."},
}
