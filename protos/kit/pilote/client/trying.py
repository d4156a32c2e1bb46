"""One call over its tries: how much time is left, and whether there is another one."""

import random
from collections.abc import Callable

from pilote.client import retrying
from pilote.client.contracts import Contract
from pilote.client.refusals import CallEnded


class Tries:
    """Begins with the first try. `seconds` is what the call has for all of them, `attempts` how many there may be.

    `keyed`: it has an idempotency key. `clock` gives seconds, and never steps back.
    """

    def __init__(
        self, contract: Contract, *, keyed: bool, seconds: float, attempts: int, clock: Callable[[], float]
    ) -> None:
        self._repeatable = keyed or contract.harmless or contract.idempotent
        self._clock = clock
        self._end = clock() + seconds
        self._attempts = attempts
        self._made = 1

    @property
    def left_seconds(self) -> float:
        """What is left of the call's time, 0 or more."""
        return max(0.0, self._end - self._clock())

    def wait_seconds(self, refusal: CallEnded) -> float:
        """How long to wait before the next try, which counts as made.

        Raises:
            CallEnded: `refusal`, where there is none.
        """
        wait = retrying.wait_seconds(
            refusal,
            tries=self._made,
            left_seconds=self._end - self._clock(),
            repeatable=self._repeatable,
            draw=random.random(),  # noqa: S311 - spreads retries, keeps no secret
        )
        if wait is None or self._made >= self._attempts:
            raise refusal from None
        self._made += 1
        return wait
