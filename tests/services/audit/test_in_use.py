"""Who reads the streams is called by a name of its own, which the next one takes over."""

import contextlib
from pathlib import Path

from services.audit.in_use import consuming


def test_nobody_who_runs_is_called_as_somebody_else_and_the_next_one_as_the_one_that_ended(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(consuming(tmp_path / "a")) for _ in range(2))
        elsewhere = stack.enter_context(consuming(tmp_path / "b"))
        assert len({first, second, elsewhere}) == 3
        with consuming(tmp_path / "a") as third:
            assert third not in {first, second}
        with consuming(tmp_path / "a") as again:
            assert again == third
    with consuming(tmp_path / "a") as after:
        assert after == first
