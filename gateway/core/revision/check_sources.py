"""Do the systems that tell us of customers add up?"""

from gateway.core.mistakes import near, told
from gateway.core.outcomes import ANSWERED
from gateway.core.policy.document import Document
from gateway.core.policy.sources import ConsentTold, Source
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.sources import FACTS, PLACES, UNOMI_USERS, USER_ID, is_fact, steps_to, unomi_steps_to


def check_sources(document: Document, mistakes: Mistakes) -> None:
    """Report write keys that prove nothing, tenants that nobody has, and places and facts that there are not."""
    tenants = tuple(dict.fromkeys(agent.tenant for agent in document.agents))
    taken = {key.sha256 for agent in document.agents for key in agent.keys}
    for index, source in enumerate(document.sources):
        path: Path = ("sources", index)
        if not source.keys:
            mistakes.add(path, "source-unidentified", name=source.name)
        for place, key in enumerate(source.keys):
            if key.sha256 in taken:
                mistakes.add((*path, "keys", place), "source-key-shared")
            taken.add(key.sha256)
        if source.tenant not in tenants:
            hint = near(source.tenant, tenants, told("choose-one", choices=tenants))
            mistakes.add((*path, "tenant"), "source-tenant-unknown", name=source.tenant, hint=hint)
        if source.subject.count(USER_ID) != 1:
            mistakes.add((*path, "subject"), "source-subject", subject=source.subject, wanted=USER_ID)
        if source.unomi is not None and unomi_steps_to(source.unomi.user) is None:
            at = (*path, "unomi", "user")
            mistakes.add(at, "source-place-unknown", place=source.unomi.user, choices=UNOMI_USERS)
        _consents(source, (*path, "consents"), mistakes)
        _outcomes(source, (*path, "outcomes"), mistakes)
        _facts(source, (*path, "facts"), mistakes)


def _consents(source: Source, path: Path, mistakes: Mistakes) -> None:
    for index, told_by in enumerate(source.consents):
        at = (*path, index)
        if (told_by.place is None) == (told_by.event is None):
            mistakes.add(at, "source-consent-shapes")
        elif told_by.place is not None:
            _place(told_by.place, (*at, "place"), mistakes)
        if not told_by.channels:
            mistakes.add((*at, "channels"), "source-consent-channels")
        if not _purposes_fit(told_by):
            mistakes.add((*at, "purposes"), "source-consent-purposes")


def _purposes_fit(told_by: ConsentTold) -> bool:
    match told_by.reads:
        case "tcf":
            return bool(told_by.purposes)
        case "gpp":
            return bool(told_by.purposes) or told_by.vendor is None
    return not told_by.purposes and told_by.vendor is None


def _outcomes(source: Source, path: Path, mistakes: Mistakes) -> None:
    for index, outcome in enumerate(source.outcomes):
        for field in ("decision", "revenue", "currency", "answer"):
            place = getattr(outcome, field)
            if place is not None:
                _place(place, (*path, index, field), mistakes)
        parts = (outcome.question is not None, outcome.answer is not None)
        if parts != (outcome.type == ANSWERED,) * 2 or (outcome.answers and outcome.type != ANSWERED):
            mistakes.add((*path, index), "source-answer-shapes")


def _facts(source: Source, path: Path, mistakes: Mistakes) -> None:
    for place, fact in source.facts.items():
        if _place(place, (*path, place), mistakes) and not is_fact(fact):
            mistakes.add((*path, place), "source-fact-unknown", fact=fact, choices=FACTS)


def _place(place: str, path: Path, mistakes: Mistakes) -> bool:
    """Report what is no place in an event; says whether it is one."""
    if steps_to(place) is None:
        mistakes.add(path, "source-place-unknown", place=place, choices=PLACES)
        return False
    return True
