"""What the redacting rules of a revision do to the messages of a method: checked and planned when it is loaded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.core.contract import MethodContract, Redaction, RedactionMistake, Take
from gateway.core.policy.ruling import Rule
from gateway.core.record import Obligation
from gateway.core.revision.decode import Mistakes, Path

SIDES: Final = ("request", "reply")


def check_redaction(rule: Rule, path: Path, *, applies: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report what is wrong with a rule's redaction, over the methods that it applies to."""
    if rule.effect != "redact":
        given = {"fields": rule.fields, "sensitivity": rule.sensitivity, "with": rule.text_instead}
        for name, value in given.items():
            if value:
                fix = "remove it, or write `effect: redact`"
                mistakes.add((*path, name), f"`{name}` says what is redacted, but this rule redacts nothing", fix=fix)
        if rule.on_error == "redact":
            fix = "write deny or allow"
            mistakes.add((*path, "on_error"), "a rule that redacts nothing cannot redact when it fails", fix=fix)
        return
    if not rule.fields and rule.sensitivity is None:
        fix = "add `fields` with the paths of what is taken out, or `sensitivity`"
        mistakes.add(path, f"the rule {rule.name!r} does not say what it redacts", fix=fix)
        return
    touched = False
    for contract in applies:
        try:
            contract.redactors[rule.of].plan(redaction_of(rule))
            touched |= contract.redactors[rule.of].touches(redaction_of(rule))
        except RedactionMistake as mistake:
            where: Path = ("fields", mistake.place) if mistake.place >= 0 else ("sensitivity",)
            fix = f"{mistake.fix} (for the {rule.of} of {contract.method}; narrow `methods` if it is not meant)"
            mistakes.add((*path, *where), str(mistake), fix=fix)
            return
    if applies and not touched:
        problem = f"no {rule.of} of the methods it covers has a field annotated {rule.sensitivity} or above"
        mistakes.add((*path, "sensitivity"), problem, fix="name what is to be redacted in `fields`, or widen `methods`")


def redaction_of(rule: Rule) -> Redaction:
    """What a redacting rule takes out."""
    return Redaction(fields=rule.fields, sensitivity=rule.sensitivity or "", text_instead=rule.text_instead)


def takes(rules: Iterable[Rule], contract: MethodContract) -> Mapping[str, Mapping[str, Take]]:
    """By side, and then by the rule's name, what redacting rules do to a message of the method."""
    found: dict[str, dict[str, Take]] = {side: {} for side in SIDES}
    for rule in rules:
        if rule.effect == "redact":
            found[rule.of][rule.name] = contract.redactors[rule.of].plan(redaction_of(rule))
    return found


def obligations(rules: Iterable[Rule]) -> Mapping[str, Obligation]:
    """What redacting rules take out, as records say it, by the rule's name."""
    return {
        rule.name: Obligation(rule=rule.name, of=rule.of, sensitivity=rule.sensitivity or "", fields=rule.fields)
        for rule in rules
        if rule.effect == "redact"
    }
