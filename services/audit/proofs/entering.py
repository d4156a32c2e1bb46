"""Which entries of a batch enter the log, and in which order. Pure."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from services.audit.entries import Admitted, Copied, Entry, Noted, Reported, Settled
from services.audit.noting import FoundBy, found_by
from services.proof import leaves
from services.proof.leaves import Leaf


class Entered(msgspec.Struct, frozen=True):
    """One new entry of the log."""

    leaf: Leaf
    decision: str
    """What it is about; empty for an entry of the log's own."""
    source: Entry | None = None
    """What it came from; `None` for a settlement that had waited for its admission."""


class Places(msgspec.Struct, frozen=True):
    """Where in the log the entries of a batch stand, by decision."""

    admitted: Mapping[str, int]
    settled: Mapping[str, int]


class Parted(msgspec.Struct, frozen=True):
    """What has entered the log, by where it is kept, each with its place."""

    told: Sequence[tuple[Reported, int]]
    copied: Sequence[tuple[Copied, int]]
    noted: Sequence[tuple[int, bytes, FoundBy]]
    places: Places


def in_order(
    entries: Sequence[Entry],
    *,
    new: Mapping[str, Admitted],
    ends: Mapping[str, bytes],
    early: Collection[str],
    known: Collection[str],
) -> tuple[Entered, ...]:
    """What enters the log, in the order of the entries, but for settlements: they come after their admission.

    `new` is what is admitted in this batch, `known` what was before; `ends` the settlements that count, by decision;
    `early` those decisions among `new` whose settlement came in an earlier batch. A settlement of a decision that is in
    neither enters the log once that is admitted. Of the other entries, only those that are new may be given.
    """
    entered: list[Entered] = []
    admitted = set(known)
    waiting = set(early)  # settlements that have come, and their admission has not
    over: set[str] = set()
    for entry in entries:
        if isinstance(entry, Admitted) and new.get(entry.id) is entry and entry.id not in admitted:
            admitted.add(entry.id)
            entered.append(Entered(Leaf(leaves.ADMIT, (entry.raw_record, entry.raw_outcome)), entry.id, entry))
            if entry.id in waiting and entry.id in ends:
                over.add(entry.id)
                entered.append(_end(entry.id, ends[entry.id]))
        elif isinstance(entry, Settled) and entry.id in ends and entry.id not in over:
            if entry.id in admitted:
                over.add(entry.id)
                entered.append(_end(entry.id, ends[entry.id]))
            else:
                waiting.add(entry.id)
        elif isinstance(entry, Reported | Copied | Noted):
            entered.append(_other(entry))
    return tuple(entered)


def without_known(entries: Sequence[Entry], *, fresh: Sequence[Entry]) -> list[Entry]:
    """The entries; of those beside decisions, which may be stored already, only the very ones in `fresh`, once."""
    left = {id(entry): entry for entry in fresh}
    # Popped, since the very same object may be there twice.
    return [
        entry
        for entry in entries
        if not isinstance(entry, Reported | Copied | Noted) or left.pop(id(entry), None) is not None
    ]


def requests(entries: Sequence[Entry]) -> dict[str, Noted]:
    """Entries of the log's own that are written once only, by what they are known by; of several the first."""
    found = [(found_by(entry.kind, entry.raw).request, entry) for entry in entries if isinstance(entry, Noted)]
    return {request: entry for request, entry in reversed(found) if request}


def fresh_notes(entries: Sequence[Entry], *, once: Mapping[str, Noted], known: Collection[str]) -> list[Noted]:
    """Entries of the log's own that are not stored yet; `once` are its `requests`, `known` those that are stored."""
    wanted = {id(entry) for request, entry in once.items() if request not in known}
    return [
        entry
        for entry in entries
        if isinstance(entry, Noted) and (id(entry) in wanted or not found_by(entry.kind, entry.raw).request)
    ]


def part(entered: Sequence[Entered], *, first: int) -> Parted:
    """Part what has entered the log at `first` and behind it by where a store keeps it."""
    told: list[tuple[Reported, int]] = []
    copied: list[tuple[Copied, int]] = []
    noted: list[tuple[int, bytes, FoundBy]] = []
    places: dict[str, dict[str, int]] = {leaves.ADMIT: {}, leaves.SETTLE: {}}
    for index, each in enumerate(entered, start=first):
        match each.source:
            case Reported():
                told.append((each.source, index))
            case Copied():
                copied.append((each.source, index))
            case Noted():
                noted.append((index, each.source.raw, found_by(each.source.kind, each.source.raw)))
            case _:
                places[each.leaf.kind][each.decision] = index
    return Parted(told, copied, noted, Places(places[leaves.ADMIT], places[leaves.SETTLE]))


def _end(decision: str, raw: bytes) -> Entered:
    return Entered(Leaf(leaves.SETTLE, (raw,)), decision)


def _other(entry: Reported | Copied | Noted) -> Entered:
    match entry:
        case Reported():
            return Entered(Leaf(leaves.OUTCOME, (entry.tenant.encode(), entry.raw)), entry.outcome.decision, entry)
        case Copied():
            return Entered(Leaf(leaves.COPY, (entry.tenant.encode(), entry.raw)), entry.id, entry)
        case Noted():
            return Entered(Leaf(entry.kind, (entry.raw,)), "", entry)
