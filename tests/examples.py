"""How many examples slow property tests draw: a third in daily work, all of them in `make test-integration`."""

from collections.abc import Callable
from typing import Any, Final

import hypothesis
import pytest

THOROUGH: Final = "thorough"
"""The profile of Hypothesis in which all are drawn, and the mark of tests that draw more then."""
FEWEST: Final = 5


def examples(count: int) -> int:
    """Of so many, those to be drawn now."""
    if hypothesis.settings.get_current_profile_name() == THOROUGH:
        return count
    return max(FEWEST, count // 3)


def thoroughly(count: int, **more: Any) -> Callable[[Any], Any]:
    """Settings of a property test that has so many examples; `more` are others of Hypothesis."""
    drawn = hypothesis.settings(max_examples=examples(count), **more)

    def marked(test: Any) -> Any:
        return pytest.mark.thorough(drawn(test))

    return marked
