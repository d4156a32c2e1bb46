"""Which revision a new one should follow: the newest properly signed one, whatever is said to be active. Pure."""

from collections.abc import Mapping

from gateway.core.authority import Entry, Verify
from gateway.core.trust import Distrusted, judge


def head_of(active: int, entries: Mapping[int, Entry], *, verify: Verify) -> int:
    """The number of the newest revision that gateways run or would run; `active` where no policy names people.

    Somebody who writes to the store past all commands can make it say that another revision is active, one that no
    gateway runs. What people publish then must not follow from that one, or gateways would refuse theirs, too.
    """
    if not any(entry.authority.people for entry in entries.values()):
        return active
    seen: dict[str, int] = {}
    for number in sorted(entries):  # the same statement under another number is a copy
        seen.setdefault(entries[number].statement.sha256, number)
    for number in sorted(seen.values(), reverse=True):
        try:
            judge(number, entries, pinned=None, root=None, verify=verify)
        except Distrusted:
            continue
        return number
    return active
