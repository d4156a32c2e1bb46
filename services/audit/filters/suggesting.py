"""What somebody may have meant who wrote a name or value that there is not. Pure."""

import difflib
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.audit.filters.fields import MEMBERS, Field, Kind

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "answered_version": ("served", "served_version"),
    "attempts": ("retries", "tries"),
    "channel": ("canal",),
    "decide_time": ("decided", "decided_time"),
    "exposure.experiment": ("experiment", "expérience"),
    "exposure.variation": ("variation", "variant", "variante"),
    "hold": ("holds",),
    "lineage.version": ("inference.version",),
    "latency": ("duration", "took", "elapsed", "time_ms", "durée", "latence"),
    "legal_basis": ("basis", "base_légale"),
    "limit": ("cap", "bucket", "quota", "limit.name", "limite", "plafond"),
    "method": ("rpc", "call", "méthode"),
    "model_version": ("version",),
    "name": ("id", "decision", "decision_id", "décision", "uid"),
    "operation": ("action", "opération"),
    "person_ref": ("person", "on_behalf_of", "delegator"),
    "purpose": ("finalité",),
    "reason": ("cause", "why", "motif"),
    "receive_time": ("time", "date", "timestamp", "received", "at", "create_time", "heure"),
    "request_bytes": ("size", "bytes"),
    "review_comment": ("comment", "commentaire"),
    "reviewer": ("decider", "approver", "moderator", "modérateur"),
    "rule": ("rule.name", "policy", "règle"),
    "status": ("code", "grpc_code", "statut"),
    "subject": ("customer", "client", "contact", "user", "sujet"),
    "subject_ref": ("customer_ref", "pseudonym", "pseudonyme"),
    "tenant": ("organisation", "organization", "account"),
    "trace_id": ("trace",),
    "verdict": ("result", "answer", "effect", "decided_as"),
    # Functions.
    "contains": ("matches", "regex", "like", "includes", "search"),
    "endsWith": ("suffix",),
    "startsWith": ("prefix",),
    "since": ("last", "within", "depuis"),
}
"""Words that others use for the same."""
_MEANT: Final = {word: name for name, words in _NAMES.items() for word in words}
_MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    "DENY": ("DENIED", "REFUSE", "REFUSED", "REJECT", "REJECTED", "BLOCK", "BLOCKED", "FORBIDDEN", "REFUS", "REFUSÉ"),
    "ALLOW": ("ALLOWED", "ACCEPT", "ACCEPTED", "PASS", "PASSED", "PERMIT", "OK", "AUTORISÉ"),
    "HOLD": ("HELD", "REVIEW", "WAITING", "PENDING", "RETENU"),
    "DEFER": ("DEFERRED", "LATER", "POSTPONED", "DELAYED", "REPORTÉ"),
    "RUNNING": ("OPEN", "PENDING", "STARTED", "ACTIVE"),
    "SETTLED": ("DONE", "ENDED", "FINISHED", "CLOSED", "COMPLETED"),
    "IN_DOUBT": ("DOUBT", "DOUBTFUL", "UNKNOWN", "IN DOUBT", "IN-DOUBT"),
    "READ": ("GET", "LIST", "SEARCH"),
    "WRITE": ("CREATE", "UPDATE", "INSERT"),
    "CONTACT": ("SEND", "MESSAGE", "EMAIL"),
    "DELETE": ("REMOVE", "ERASE"),
    "INFER": ("INFERENCE", "PREDICT", "SCORE"),
    "true": ("YES", "1", "TRUE", "ON", "OUI", "VRAI"),
    "false": ("NO", "0", "FALSE", "OFF", "NON", "FAUX"),
}
_UNITS: Final = {
    unit: (short, us)
    for short, us, units in (
        ("us", 1, ("us", "µs", "μs", "usec")),
        ("ms", 1_000, ("ms", "msec", "msecs", "millis")),
        ("s", 1_000_000, ("s", "sec", "secs", "second", "seconds")),
        ("m", 60_000_000, ("m", "min", "mins", "mn", "minute", "minutes")),
        ("h", 3_600_000_000, ("h", "hr", "hrs", "hour", "hours", "heure", "heures")),
        ("d", 86_400_000_000, ("d", "j", "day", "days", "jour", "jours")),
        ("w", 604_800_000_000, ("w", "week", "weeks", "sem", "semaine", "semaines")),
        ("y", 31_536_000_000_000, ("y", "year", "years", "an", "ans")),
    )
    for unit in units
}
_PARTS: Final = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,6})?)\s*([^\W\d_]+)", re.UNICODE)
_DAY: Final = re.compile(
    r"(?:(\d{4})[-/.](\d\d?)[-/.](\d\d?)|(\d\d?)[-/.](\d\d?)[-/.](\d{4}))(?:[Tt ]+(.*))?", re.ASCII
)
_CLOCK: Final = re.compile(r"(\d\d?)(?:[:h](\d\d)(?::(\d\d)(?:\.\d+)?)?)?\s*(?:Z|z)?", re.ASCII)


def nearest(name: str, known: Sequence[str], *, cutoff: float = 0.7) -> str:
    """The known name that is meant by another word, is most like it, or ends like it; empty for none."""
    meant = _MEANT.get(name.lower())
    if meant in known:
        return str(meant)
    ends = [each for each in known if each.endswith((f".{name}", f"_{name}"))]
    cases = [each for each in known if each.lower() == name.lower()]
    near = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    return (cases or near or ends or [""])[0]


def nearest_value(field: Field, text: str) -> str:
    """What may be meant by a text that is no value of the field; empty for nothing."""
    match field.kind:
        case Kind.DURATION:
            return span_meant(text, unit="ms")
        case Kind.TIME:
            return _time_meant(text)
        case Kind.NUMBER:
            digits = re.findall(r"[0-9]+", text)
            return digits[0] if len(digits) == 1 and len(digits[0]) <= 15 and not re.search(r"[.,]", text) else ""
        case Kind.NAME:
            found = re.search(r"[0-9a-fA-F]{32}", text)
            return f"decisions/{found[0].lower()}" if found else ""
        case _:
            return nearest_member(text, MEMBERS.get(field.kind, ()))


def nearest_member(text: str, known: Sequence[str]) -> str:
    """The member of a closed list that may be meant; empty for none."""
    word = text.strip().upper()
    meant = [each for each in known if word in _MEMBERS.get(each, ())]
    folded = {re.sub(r"\W|_", "", each.upper()): each for each in known}
    word = re.sub(r"\W|_", "", word)
    near = difflib.get_close_matches(word, tuple(folded), n=1, cutoff=0.7)
    return (meant or [folded[each] for each in near] or [""])[0]


def span_meant(text: str, *, unit: str) -> str:
    """A span in other words, such as "1h30m", "2 weeks" or "1,5s", as filters have it; a bare number is in `unit`."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return f"{text}{unit}"
    parts = _PARTS.findall(text.lower())
    if not parts or re.sub(r"\s|,$", "", _PARTS.sub("", text.lower())) or any(part not in _UNITS for _, part in parts):
        return ""
    exact = sum(Decimal(number.replace(",", ".")) * _UNITS[part][1] for number, part in parts)
    if exact != int(exact):
        return ""
    if len(parts) == 1 and (short := _UNITS[parts[0][1]][0]) not in "wy":
        return f"{parts[0][0].replace(',', '.')}{short}"
    short = next(short for short in ("d", "h", "m", "s", "ms", "us") if exact % _UNITS[short][1] == 0)
    return f"{int(exact) // _UNITS[short][1]}{short}"


def _time_meant(text: str) -> str:
    """A time as it is often written, as RFC 3339 has it, in UTC."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return ""
    year, month, day = found.group(1, 2, 3) if found[1] else found.group(6, 5, 4)
    clock = _CLOCK.fullmatch(found[7] or "0")
    if clock is None:
        return ""
    try:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        at = datetime(int(year), int(month), int(day), hour, minute, second)  # noqa: DTZ001 - said to be UTC below
    except ValueError:
        return ""
    return f"{at.isoformat()}Z"
