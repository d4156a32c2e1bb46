"""Suites out of what the log holds: of a finding's decisions, and of decisions that people have found wrong."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from gateway.core.revision.compiled import Revision
from pilote.decision.v1 import decision_pb2
from services.control.drafts.cutting import inserted, made
from services.control.drafts.layout import Unfitting, composed, pair_of
from services.findings.finding import Finding, impersonal
from services.findings.wording import title
from services.probes.making import as_text, suite_of
from services.probes.reading import SuiteInvalid, read
from services.probes.recorded import Recorded, base_of
from services.probes.texts import say

REVIEWS: Final = "reviews"
"""The suite of each tenant that reviewed decisions go into."""
_OTHER: Final = re.compile(r"[^a-z0-9]+")
_AGENTS: Final = frozenset({"agent", "other-agent"})


def name_for(finding: Finding) -> str:
    """What the suite of a finding is called: always the same."""
    kind = _OTHER.sub("-", finding.seen.kind.lower()).strip("-")[:30]
    return "-".join(part for part in ("finding", kind, finding.id[:8]) if part)


def text_for(
    finding: Finding, decisions: Sequence[decision_pb2.Decision], revision: Revision, *, of: str, language: str
) -> str | None:
    """The suite of a finding as YAML; `of` is the finding's name. `None`: none can be made of these decisions."""
    return suite_of(
        finding.seen.kind,
        [recorded_of(each) for each in decisions],
        revision,
        name=name_for(finding),
        title=title(impersonal(finding.seen), language=language),
        of=of,
        agents=[value for name, value in finding.seen.about if name in _AGENTS],
        language=language,
    )


def with_review(
    text: str | None, decision: decision_pb2.Decision, revision: Revision, *, named: str, verdict: str, language: str
) -> str | None:
    """The suite of reviews with one more probe, `named`, that wants that verdict; itself where it has it already.

    `None`: none can be made of the decision. What else stands in the text stays as it is, where it is laid out so that
    something can be put into it.

    Raises:
        SuiteInvalid: the text has mistakes.
    """
    base = base_of(recorded_of(decision), revision, name=named)
    if base is None:
        return None
    probe = {"name": named, "kind": "expect", "base": named, "expect": {"verdict": verdict}}
    if text is None:
        description = say("made-of-reviews", language=language)
        return as_text({"suite": REVIEWS, "description": description, "bases": [base], "probes": [probe]})
    if any(each.name == named for each in read(text).probes):
        return text
    try:
        after = _put(_put(text, "bases", base), "probes", probe)
        if read(after).probes[-1].name == named:
            return after
        raise Unfitting
    except (Unfitting, SuiteInvalid):
        data = yaml.safe_load(text)
        return as_text(data | {"bases": [*data["bases"], base], "probes": [*data["probes"], probe]})


def recorded_of(decision: decision_pb2.Decision) -> Recorded:
    """What a record says of the call."""
    received = dt.datetime.fromtimestamp(decision.receive_time.seconds, dt.UTC)
    verdict = decision_pb2.Verdict.Name(decision.verdict).removeprefix("VERDICT_")
    return Recorded(
        id=decision.name.removeprefix("decisions/"),
        agent=decision.agent,
        method=decision.method,
        at=received.isoformat().replace("+00:00", "Z"),
        subject=bool(decision.subject_ref),
        channel=decision.asked_channel or decision.channel,
        category=decision.category,
        model=decision.model if not decision.subject_ref or not decision.channel else "",
        brand=decision.brand,
        campaign=decision.campaign,
        purpose=decision.purpose,
        topics=tuple(decision.topics),
        consents=_consents(decision),
        verdict=verdict,
        reason=decision.reason if verdict != "ALLOW" else "",
        rule=decision.rule,
    )


def _consents(decision: decision_pb2.Decision) -> Mapping[str, bool]:
    channel = decision.asked_channel or decision.channel
    stood = {each.standing for each in decision.rules if each.standing}
    if not channel or not stood & {"granted", "refused", "withdrawn"}:
        return {}
    return {channel: "granted" in stood}


def _put(text: str, section: str, value: Mapping[str, Any]) -> str:
    """The text with one more item at the end of a list.

    Raises:
        Unfitting: it is laid out otherwise than that can be done without harm.
        SuiteInvalid: something else has come of it.
    """
    root = composed(text)
    pair = None if root is None else pair_of(root, section)
    if pair is None:
        raise Unfitting
    return made(text, inserted(text, pair, value=dict(value), after=len(pair[1].value) - 1))
