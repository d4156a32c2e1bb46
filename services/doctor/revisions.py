"""Looks at the active revision: whether it is signed and agreed as it must be, can be run, and is run by all."""

from collections import Counter
from pathlib import Path

import msgspec

from gateway.activation.loading import load_stored
from gateway.adapters.revisions import Published, RevisionStore
from gateway.adapters.trust import Trust, read_pin
from gateway.adapters.workers import DECISION_WORKER, GATEWAY, Report, Workers
from gateway.core.authority import Authority, digest_of
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.trust import Distrusted
from gateway.redis_clients import Client
from services.doctor.observing import Observation, bad, good, warning


async def look_at_revision(
    redis: Client, *, pin_file: Path, trusted_people: Authority | None, certified: bool, now_ms: int
) -> list[Observation]:
    """What was seen of it, and of who runs which. `certified`: by the settings here gateways have a certificate.

    Raises:
        RedisError: the store does not answer.
    """
    store = RevisionStore(redis)
    number = await store.active()
    reports = tuple(each for each in await Workers(redis).all() if each.decides)
    if not number:
        return [bad("revision", "revision-none"), *_workers(reports, 0)]
    return [
        *await _active(
            store, number, pin_file=pin_file, trusted_people=trusted_people, certified=certified, now_ms=now_ms
        ),
        *_workers(reports, number),
    ]


async def _active(
    store: RevisionStore,
    number: int,
    *,
    pin_file: Path,
    trusted_people: Authority | None,
    certified: bool,
    now_ms: int,
) -> list[Observation]:
    named = {"number": number}
    try:
        published = await store.read(number)
    except msgspec.DecodeError:
        published = None
    if published is None:
        return [bad("revision", "revision-damaged", **named)]
    seen = await _judged(store, number, published, pin_file=pin_file, trusted_people=trusted_people)
    try:
        revision = load_stored(bytes(published.document))
    except PolicyInvalid as invalid:
        seen.append(bad("revision", "revision-unusable", mistakes=len(invalid.mistakes), **named))
    else:
        asking = [] if certified else sorted(each.name for each in revision.upstreams.values() if each.tls == "mutual")
        if asking:
            seen.append(warning("revision", "upstreams-ask", names=", ".join(asking)))
    entry = None if any(each.what == "revision-distrusted" for each in seen) else await store.entry(number)
    since_ms = published.created_ms if entry is None else entry.activated_ms
    seen.append(good("revision", "revision-active", since_ms=since_ms, age_ms=max(0, now_ms - since_ms), **named))
    return seen


async def _judged(
    store: RevisionStore, number: int, published: Published, *, pin_file: Path, trusted_people: Authority | None
) -> list[Observation]:
    """As a gateway that starts here would judge it; nothing is pinned by it."""
    trust = Trust(store, root=trusted_people)
    try:
        pin = read_pin(pin_file)
    except (OSError, ValueError):
        return [bad("revision", "pin-damaged", file=str(pin_file))]
    if pin is not None and pin.root == ("" if trusted_people is None else digest_of(trusted_people)):
        trust.pinned = pin.trusted
    try:
        await trust.judge(number, published)
    except Distrusted as distrusted:
        return [bad("revision", "revision-distrusted", number=number, why=distrusted.why)]
    signed = trust.pinned is not None and bool(trust.pinned.authority.people)
    return [good("revision", "revision-signed" if signed else "revision-whole", number=number)]


def _workers(reports: tuple[Report, ...], number: int) -> list[Observation]:
    counts = Counter(each.kind for each in reports)
    seen = [] if counts[GATEWAY] else [warning("revision", "gateways-none")]
    seen += [
        bad("revision", "gateway-refuses", worker=each.worker, number=each.refused.revision, why=str(each.refused.why))
        for each in reports
        if each.refused is not None
    ]
    behind = [each for each in reports if each.revision != number and each.refused is None]
    seen += [
        bad("revision", "gateway-differs", worker=each.worker, runs=each.revision, number=number) for each in behind
    ]
    if len({each.sha256 for each in reports if each.revision == number}) > 1:
        seen.append(bad("revision", "gateways-disagree", number=number))
    if spooled := sum(each.spooled for each in reports):
        seen.append(warning("streams", "spool-waits", entries=spooled))
    if seen:
        return seen
    deciding = counts[DECISION_WORKER]
    agree = [good("revision", "deciders-agree", count=deciding, number=number)] if deciding else []
    return [good("revision", "gateways-agree", count=counts[GATEWAY], number=number), *agree]
