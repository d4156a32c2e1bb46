"""Rules: conditions about one call, and sequences across calls."""

from typing import Literal

import msgspec

from gateway.core.call import Operation
from gateway.core.policy.vocabulary import Citation, Duration, Expression, Message, Mode, Name, Part, Text


class Rule(Part, frozen=True, kw_only=True):
    """A condition in CEL and what follows when it holds."""

    name: Name
    description: str = ""
    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    """Both empty: every method. Both given: methods that match both."""
    when: Expression = "true"
    effect: Literal["allow", "deny", "hold", "redact"]
    """"hold": a person must look at the call first; their approval lets it through, so no other rule need allow it.
    A denial goes before a hold, a hold before what allows. "redact" takes `fields` out, and lets nothing through."""
    mode: Mode = "enforce"
    on_error: Literal["allow", "deny", "redact"] | None = None
    """What the rule counts as when it fails at run time: "deny" denies, "redact" (of a rule that redacts) redacts all
    the same, "allow" leaves the rule out. Unset: "redact" where the effect is redact, else "deny"."""
    fields: tuple[Text, ...] = ()
    """Redact: dotted paths of what is taken out, through messages, lists and maps. After a list field "*" may stand for
    every element; after a map field comes a key, or "*" for all of them."""
    sensitivity: Literal["PUBLIC", "INTERNAL", "PERSONAL", "SPECIAL", "CREDENTIAL"] | None = None
    """Redact: every field that its contract annotates as at least so sensitive, however deep. Fields that the contract
    does not know are dropped too: nobody can say what is in them."""
    of: Literal["reply", "request"] = "reply"
    """Redact: what the caller gets back, or what the upstream gets."""
    text_instead: Text | None = msgspec.field(default=None, name="with")
    """Redact: what texts are replaced by; unset: they are cleared, like everything else."""
    reason: Literal["POLICY_DENIED", "CONSENT_MISSING", "QUIET_HOURS"] = "POLICY_DENIED"
    message: Message | None = None
    retry_after: Duration | None = None
    """How long a refused caller is told to wait, where the rule's author knows: the length of quiet hours, say."""
    citation: Citation = ()

    @property
    def on_failure(self) -> Literal["allow", "deny", "redact"]:
        """What the rule counts as when it fails at run time: `on_error`, or what is safe for its effect."""
        return self.on_error or ("redact" if self.effect == "redact" else "deny")


class Step(Part, frozen=True, kw_only=True):
    """Which calls make a step of a sequence."""

    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    when: Expression | None = None


class Sequence(Part, frozen=True, kw_only=True):
    """A rule across calls: what may not follow on what, within a time, for one subject, agent or other thing."""

    name: Name
    by: Literal["subject", "agent"] | None = None
    key: Expression | None = None
    """CEL that gives a text: the thing concerned, where it is neither a subject nor an agent."""
    first: Step
    then: Step
    within: Duration
    agents: Literal["any", "same", "other"] = "any"
    """Whose first step counts for a call: anybody's, the same agent's, another agent's."""
    effect: Literal["deny", "hold"] = "deny"
    mode: Mode = "enforce"
    message: Message | None = None
    """May use {rule}, {other} (the decision of the first step), {window} and {retry}."""
    citation: Citation = ()
