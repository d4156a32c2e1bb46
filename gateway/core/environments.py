"""The rule engine's environments over one descriptor pool, one for each thing that an expression may see.

The first expression that an environment compiles takes 2 ms, since the engine then learns the pool's messages; every
further one 35 us. So environments are kept as long as their pool, for all engines over it: compiling leaves nothing in
them that a later expression could see, and nothing that grows.
"""

from typing import Any, Final, TypeAlias

from cel_expr_python import cel

from gateway.core.conditions import VARIABLES

Sees: TypeAlias = tuple[str, str, bool]
"""What an expression sees: type of the request, type of the answer ("" for none), and whether it sees the route.

Without a type of the request it sees no call either.
"""


class Environments:
    """Those of one pool, each made when it is first asked for."""

    def __init__(self, pool: object) -> None:
        self.pool: Final = pool
        self._made: Final[dict[Sees, Any]] = {}
        self._taking_times: Final[set[Sees]] = set()

    def of(self, sees: Sees, *, timed: bool = False) -> Any:
        """The environment of what sees that. `timed`: it will read programs that look at `now`."""
        environment = self._made.get(sees)
        if environment is None:
            environment = self._made[sees] = cel.NewEnv(self.pool, variables=_variables(sees))
        if timed and sees not in self._taking_times:
            environment.compile("now")  # one that has only read programs does not know what kind of value that is
            self._taking_times.add(sees)
        return environment


def _variables(sees: Sees) -> dict[str, Any]:
    request_type, reply_type, routed = sees
    variables = {name: cel.Type(type_name) for name, type_name in VARIABLES.items()}
    if not routed:
        del variables["route"]
    if request_type:
        variables["request"] = cel.Type(request_type)
    else:
        del variables["call"], variables["objective"]
    variables["now"] = cel.Type.TIMESTAMP
    if reply_type:
        texts = cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
        variables |= {"response": cel.Type(reply_type), "trailers": texts}
    return variables
