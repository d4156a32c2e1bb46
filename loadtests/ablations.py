"""What a governed call does, one thing at a time left out, as far as a policy or a setting can leave it out.

Nothing of the product is changed for it. So what cannot be switched off is not left out: every call has an agent, a
route, at least one rule and a record, and a contact's facts are read.
"""

import re
from typing import Any, Final, NamedTuple

from loadtests.echo import ANSWER
from loadtests.message import METHOD
from loadtests.setups import Setup, base_policy
from pilote.crm.v1.message_service_pb2 import SendMessageResponse

_NO_TELEMETRY: Final = {"PILOTE_OTLP_ENDPOINT": "", "PILOTE_METRICS_LISTEN": "off"}
_REDACTION: Final = {"name": "no-bodies", "methods": [METHOD], "effect": "redact", "fields": ["message.body"]}
_OF_LABELS: Final = (
    (r"!facts\.consents\[call\.channel\]", "(call.channel in agent.labels)"),
    (r"!facts\.known", '(agent.name == "")'),
    (r"facts\.known", '(agent.name != "")'),
    (r'facts\.scores\["(\w+)"\] > [\d.]+', r'agent.labels["\1"] == "high"'),
    (r"facts\.time_zone\.", 'agent.labels["region"].'),
    (r"facts\.time_zone", '"Europe/Paris"'),
    (r"facts\.(segments|traits|scores)", "agent.labels"),
)
"""How a condition about facts becomes one of the same shape about the agent, and comes to the same."""


class Ablation(NamedTuple):
    """One thing that is left out, or added."""

    name: str
    says: str
    """What is different."""
    setup: Setup


def ablations(*, engine: str = "") -> tuple[Ablation, ...]:
    """Everything first, then each without one thing, then without anything, then with more."""
    whole = base_policy()
    bare = _without_facts(_changed(whole, limits=[], caps=[], records={"values": False}))
    bare["rules"] = bare["rules"][:1]
    found = (
        Ablation("everything", "token, route, 20 rules, facts, 4 buckets, record, spans of 10 %", Setup(whole)),
        Ablation("auth", "an API key in place of the token", Setup(whole, credential="key")),
        Ablation("rules", "1 rule that reads facts in place of 20", Setup(_changed(whole, rules=whole["rules"][1:2]))),
        Ablation(
            "facts",
            "20 rules of the same shape that look at none; they are read all the same",
            Setup(_without_facts(whole)),
        ),
        Ablation("limits", "the 2 caps alone", Setup(_changed(whole, limits=[]))),
        Ablation("caps", "the 2 limits alone", Setup(_changed(whole, caps=[]))),
        Ablation("buckets", "no limit and no cap", Setup(_changed(whole, limits=[], caps=[]))),
        Ablation("values", "records without the sealed values", Setup(_changed(whole, records={"values": False}))),
        Ablation("spans", "no span of an allowed call", Setup(whole, {"PILOTE_TRACE_RATIO": "0"})),
        Ablation("telemetry", "neither spans nor metrics", Setup(whole, _NO_TELEMETRY)),
        Ablation("everything but", "key, route, 1 rule, record: what no setting takes away", _bare(bare)),
        Ablation(
            "+ redaction",
            "a rule that takes a field out of the reply",
            Setup(_with_rule(whole, _REDACTION), reply=_without_body(ANSWER)),
        ),
        Ablation(
            "+ replay", "inputs of every call kept, sealed", Setup(_changed(whole, replay={"share": 10_000}), entries=3)
        ),
        Ablation("+ all spans", "a span of every call", Setup(whole, {"PILOTE_TRACE_RATIO": "1"})),
    )
    return tuple([each._replace(setup=each.setup._replace(engine=engine)) for each in found])


def _bare(policy: dict[str, Any]) -> Setup:
    return Setup(policy, _NO_TELEMETRY, credential="key")


def _changed(policy: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {**policy, **sections}


def _with_rule(policy: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    return _changed(policy, rules=[*policy["rules"], rule])


def _without_facts(policy: dict[str, Any]) -> dict[str, Any]:
    return _changed(policy, rules=[{**rule, "when": _about_labels(rule["when"])} for rule in policy["rules"]])


def _about_labels(condition: str) -> str:
    for pattern, instead in _OF_LABELS:
        condition = re.sub(pattern, instead, condition)
    return condition


def _without_body(answer: bytes) -> bytes:
    """What the redaction leaves of an answer."""
    found = SendMessageResponse.FromString(answer)
    found.message.ClearField("body")
    return found.SerializeToString()
