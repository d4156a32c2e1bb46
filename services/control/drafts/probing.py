"""A suite of probes out of a draft's sentence: it passes with the sentence, and fails once somebody takes it out.

Both are seen by running it, under the draft as it is and under the draft without that part.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.activation.loading import canonical, load_stored
from gateway.core.policy.document import Document
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from services.control.drafts.checking import loaded
from services.control.drafts.edits import EditRefused
from services.control.drafts.store import DraftProblem
from services.probes.making import as_text
from services.probes.policies import Policy
from services.probes.reading import SuiteInvalid, read
from services.probes.running import run
from services.sentences.engine import engine
from services.sentences.kinds import Sentence
from services.sentences.probing import base, probes
from services.sentences.reading import Unsaid
from services.sentences.reading import read as read_part
from services.sentences.saying import say
from services.sentences.writing import SECTIONS

MOST_AGENTS = 20
"""Agents of the policy that calls are tried with."""


def suite_for(text: str, section: str, part: str, *, language: str) -> tuple[str, str]:
    """The name of the suite, and its text.

    Raises:
        PolicyInvalid: the text has mistakes.
        EditRefused: it has no such part.
        DraftProblem: no sentence says it, or single calls cannot show it, be it that other parts decide already.
    """
    revision = loaded(text)[0]
    document = revision.document
    without = _without(document, section, part)
    found = _sentence(document, section, part)
    names = tuple(agent.name for agent in document.agents)
    name = f"says-{part}"[:50].rstrip("-.")
    for agent in _first(found, names)[:MOST_AGENTS]:
        suite = _suite(found, part, agent=agent, names=names) | {"suite": name}
        kept = _holding(suite, revision)
        if kept and without is not None and len(_holding(suite | {"probes": kept}, without)) < len(kept):
            said = say(found, language)
            return name, as_text({"suite": name, "description": said, "bases": suite["bases"], "probes": kept})
    raise DraftProblem("sentence-unprobed")


def _suite(sentence: Sentence, part: str, *, agent: str, names: tuple[str, ...]) -> dict[str, Any]:
    call = base(sentence, agent=agent)
    if call is None:
        raise DraftProblem("sentence-unprobed")
    return {"suite": "made", "bases": [call], "probes": list(probes(sentence, rule=part, agents=names))}


def _holding(suite: Mapping[str, Any], revision: Revision) -> list[dict[str, Any]]:
    """The probes that hold under a policy."""
    if not suite["probes"]:
        return []
    try:
        report = run(read(as_text(suite)), Policy(revision, name="draft"))
    except SuiteInvalid:  # a name that suites cannot hold
        return []
    good = {each.probe for each in report.results if each.state == "passed"}
    return [each for each in suite["probes"] if each["name"] in good]


def _without(document: Document, section: str, part: str) -> Revision | None:
    """The policy without that part; `None` where it is none then."""
    if section not in SECTIONS.values() or all(each.name != part for each in getattr(document, section)):
        raise EditRefused("edit-name", section=section, name=part)
    rest = tuple(each for each in getattr(document, section) if each.name != part)
    try:
        return load_stored(canonical(msgspec.structs.replace(document, **{section: rest})))
    except PolicyInvalid:
        return None


def _sentence(document: Document, section: str, part: str) -> Sentence:
    there = next(each for each in getattr(document, section) if each.name == part)
    found = read_part(section, msgspec.to_builtins(there), engine=engine(), labels=())
    if isinstance(found, Unsaid):
        raise DraftProblem("sentence-unprobed")
    return found.sentence


def _first(sentence: Sentence, names: Sequence[str]) -> list[str]:
    """All agents, those that the sentence names first."""
    own = getattr(sentence, "agents", ())
    return sorted(names, key=lambda each: each not in own)
