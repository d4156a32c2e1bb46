"""What the redacting rules of a revision do to the messages of a method: checked and planned when it is loaded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.core.contract import MethodContract, Redaction, RedactionMistake, Take
from gateway.core.mistakes import told
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
                mistakes.add((*path, name), "redaction-of-none", field=name)
        if rule.on_error == "redact":
            mistakes.add((*path, "on_error"), "redaction-on-error")
        return
    if not rule.fields and rule.sensitivity is None:
        mistakes.add(path, "redaction-empty", name=rule.name)
        return
    touched = False
    for contract in applies:
        try:
            contract.redactors[rule.of].plan(redaction_of(rule))
            touched |= contract.redactors[rule.of].touches(redaction_of(rule))
        except RedactionMistake as mistake:
            where: Path = ("fields", mistake.place) if mistake.place >= 0 else ("sensitivity",)
            scope = told("scope-redaction", side=told(f"of-{rule.of}"), method=contract.method)
            mistakes.tell((*path, *where), told(mistake.what.code, **mistake.what.values, scope=scope))
            return
    if applies and not touched:
        values = {"side": told(f"none-{rule.of}"), "level": rule.sensitivity or ""}
        mistakes.add((*path, "sensitivity"), "redaction-untouched", **values)


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
