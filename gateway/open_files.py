"""How many files and connections a process may have open at a time."""

import resource
from typing import Final

ENOUGH: Final = 65_536
"""More than all bounds on connections of ours together."""


def enough() -> None:
    """Let this process, and what it starts from now on, have `ENOUGH` open, or as many as the system allows it.

    Many a system lets a process have 1,024 where it does not ask for more, and each call that Envoy asks about holds
    one here and one there.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft not in (resource.RLIM_INFINITY, wanted) and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
