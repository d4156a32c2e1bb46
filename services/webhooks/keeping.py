"""How long the log keeps what other systems are told of. Pure."""

from typing import Final

import msgspec

from gateway.core.authority import sections_in
from gateway.core.policy.document import Retention
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.record import DEFAULT_KEEP_DAYS

_DAY_MS: Final = 86_400_000


def shortest_ms(document: bytes) -> int:
    """The shortest time that a policy, canonical JSON, has anything kept for: what is older may be gone."""
    section = sections_in(document).get("retention")
    try:
        classes = () if section is None else msgspec.json.decode(section, type=tuple[Retention, ...])
    except msgspec.DecodeError:
        classes = ()
    return min([duration_ms(each.keep) for each in classes] + [DEFAULT_KEEP_DAYS * _DAY_MS])
