"""Evaluates compiled conditions, and fails closed.

Errors at run time come back from the engine as values, not as exceptions, and such a value is truthy: so every result
is checked to be a boolean. And one evaluation costs 1.3 us plus the rule, of which most is the way into C++ and back:
so all conditions of a method are evaluated as one list expression first (20 rules: 11 us instead of 33); only when it
fails as a whole is each rule asked for itself.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from cel_expr_python import cel

from gateway.core import failures

VARIABLES: Final = {
    "agent": "pilote.governance.v1.RuleAgent",
    "call": "pilote.governance.v1.RuleCall",
    "facts": "pilote.governance.v1.RuleFacts",
    "route": "pilote.governance.v1.RuleRoute",
    "objective": "pilote.governance.v1.RuleObjective",
}
"""What a rule sees besides `request` and `now`, with the message types that describe it."""


class Conditions:
    """All conditions that apply to one method, in the revision's order.

    `lists` are programs of list expressions, each with its conditions. `alone` gives the program of one condition, or
    nothing; it is asked when a list fails as a whole.
    """

    def __init__(
        self,
        lists: tuple[tuple[Any, tuple[str, ...]], ...],
        *,
        environment: Any,
        alone: Callable[[str], Any],
    ) -> None:
        self._lists = lists
        self._environment = environment
        self._compile = alone
        text = " ".join(expression for _, chunk in lists for expression in chunk)
        self._names = tuple(name for name in (*VARIABLES, "request") if name in text)
        """What the conditions may look at: each variable that the engine is given costs 0.3 us, looked at or not."""
        self._timed = "now" in text

    def evaluate(self, values: Mapping[str, object], *, now_ms: int) -> list[bool | str]:
        """For each condition whether it holds, or in words why it failed."""
        if not self._lists:
            return []
        seen = {name: values[name] for name in self._names if name in values}
        if self._timed:
            seen["now"] = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
        activation = self._environment.Activation(seen)
        results: list[bool | str] = []
        for program, expressions in self._lists:
            found = program.eval(activation).plain_value()  # an error's is a text
            # A wrapped boolean that is unset is neither, and fails no list.
            if not isinstance(found, list) or None in found:
                found = [self._alone(expression, activation) for expression in expressions]
            results.extend(found)
        return results

    def _alone(self, expression: str, activation: Any) -> bool | str:
        program = self._compile(expression)
        return failures.NO_ANSWER if program is None else _checked(program.eval(activation), expression)


class SingleExpression:
    """One expression that is evaluated by itself, because few calls need it."""

    def __init__(self, environment: Any, program: Any) -> None:
        self._environment = environment
        self._program = program

    def value(self, values: Mapping[str, object], *, now_ms: int) -> Any:
        """What it gives; `None` where it fails at run time."""
        now = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
        result = self._program.eval(self._environment.Activation({**values, "now": now}))
        return None if result.type() == cel.Type.ERROR else result.value()


_FAILURES: Final = (
    (re.compile(r"Key not found"), failures.NO_KEY),
    (re.compile(r"(?:divide|modulus) by zero"), failures.BY_ZERO),
    (re.compile(r"overflow|out of .*range"), failures.OUT_OF_RANGE),
    (re.compile(r"Index error"), failures.NO_ELEMENT),
    (re.compile(r"conver"), failures.NOT_CONVERTED),
    (re.compile(r"regular expression"), failures.NO_PATTERN),
    (re.compile(r"timezone"), failures.NO_ZONE),
    (re.compile(r"overload|SELECT"), failures.TYPES_DIFFER),
)
"""What can go wrong at run time, by a part of the engine's text. The text itself may quote the request: a missing key,
or a pattern, may be somebody's address. So it ends here, and what people read is one of these."""
_KEY: Final = re.compile(r'Key not found in map : "(.*)"')


def _checked(result: Any, expression: str) -> bool | str:
    value = result.value()
    if result.type() == cel.Type.BOOL and isinstance(value, bool):
        return value
    said = str(value)
    key = _KEY.search(said)
    if key is not None and (f'"{key[1]}"' in expression or f"'{key[1]}'" in expression):
        return f'{failures.NO_KEY}: "{key[1]}"'  # written in the rule, and so nobody's secret
    return next((text for pattern, text in _FAILURES if pattern.search(said)), failures.NO_ANSWER)
