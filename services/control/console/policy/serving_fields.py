"""Forms of what serves calls, what for, and what is learnt: agents, routes, experiments, objectives, tenants."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from gateway.core.policy.learning import Measure
from gateway.core.policy.objectives import Guarded, Kpi
from gateway.core.policy.vocabulary import Level
from services.control.console.policy.field import OPERATIONS, Field

_LEVELS: Final = ("", *get_args(Level))

SERVING: Final[Mapping[str, tuple[Field, ...]]] = {
    "agents": (
        Field("name"),
        Field("tenant"),
        Field("version"),
        Field("description"),
        *(Field(f"autonomy.{operation}", "choice", _LEVELS) for operation in OPERATIONS),
        Field("priority", "number", rare=True),
        Field("prompt", rare=True),
    ),
    "routes": (
        Field("name"),
        Field("methods", "words"),
        Field("models", "words"),
        Field("when", "expression"),
        Field("arms", "lines", ("name", "weight", "upstream")),
        Field("objectives.availability", "decimal"),
        Field("objectives.latency.percent", "decimal"),
        Field("objectives.latency.within"),
        Field("fallback", "words", rare=True),
        Field("timeout", rare=True),
        Field("seed", rare=True),
    ),
    "experiments": (
        Field("name"),
        Field("hypothesis", "long"),
        Field("state", "choice", ("running", "stopped"), "running"),
        Field("route"),
        Field("arms", "lines", ("name", "weight", "arm")),
        Field("coverage", "number"),
        Field("measures", "checks", get_args(Measure)),
        Field("methods", "words", rare=True),
        Field("operations", "checks", OPERATIONS, rare=True),
        Field("when", "expression", rare=True),
        Field("layer", rare=True),
        Field("first", "number", rare=True),
        Field("last", "number", rare=True),
        Field("unit", "choice", ("subject", "session"), "subject", rare=True),
        Field("min_sample", "number", rare=True),
        Field("alpha", "decimal", rare=True),
        Field("seed", rare=True),
    ),
    "holdouts": (
        Field("name"),
        Field("share", "number"),
        Field("channels", "words"),
        Field("categories", "words"),
        Field("exempt", "words"),
        Field("seed", rare=True),
    ),
    "objectives": (
        Field("name"),
        Field("tenant"),
        Field("campaign"),
        Field("segment"),
        Field("kpi", "choice", get_args(Kpi)),
        Field("target", "decimal"),
        Field("guardrails", "shares", get_args(Guarded)),
        Field("period.first"),
        Field("period.last"),
        Field("period.zone"),
        Field("budget.contacts", "number"),
        Field("budget.cents", "number"),
        Field("budget.cents_per_contact", "number"),
        Field("budget.currency", rare=True),
        Field("agents", "words", rare=True),
        Field("channels", "words", rare=True),
        Field("categories", "words", rare=True),
        Field("title.en", rare=True),
        Field("title.fr", rare=True),
    ),
    "tenants": (Field("name"), Field("cells", "number")),
}
"""By section."""

SERVING_NEW: Final[Mapping[str, Mapping[str, Any]]] = {
    "agents": {},
    "routes": {"arms": [{"name": "main", "weight": 10_000}]},
    "experiments": {"arms": [{"name": "control", "weight": 5_000}, {"name": "candidate", "weight": 5_000}]},
    "holdouts": {"share": 500},
    "objectives": {"kpi": "conversion_rate", "target": 0.05, "period": {}},
    "tenants": {},
}
"""What a new part of a section begins with."""
