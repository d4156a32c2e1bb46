"""What the pages about findings show of one: words, figures, evidence, and what may be done about it."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.pages.finding_picture_parts import Words
from services.control.console.pages.finding_pictures import pictures
from services.control.console.rendering import texts_of
from services.control.console.viewer import viewer_of
from services.control.decisions.looking import ALL, Look
from services.control.findings.ruling import stop_of, when_of
from services.control.findings.shown import name_of
from services.control.times import at
from services.findings import wording
from services.findings.changing import MOST_CHARACTERS
from services.findings.finding import CLOSED, Comment, Finding, Grade, Link, State, reviewer_of

KINDS: Final[Mapping[Grade, str]] = {Grade.CRITICAL: "deny", Grade.MAJOR: "hold", Grade.MINOR: "defer"}
_SYMBOLS: Final[Mapping[Grade, str]] = {
    Grade.CRITICAL: "circle-alert",
    Grade.MAJOR: "triangle-alert",
    Grade.MINOR: "info",
}
_MOST_REASON: Final = 500


def path_of(finding: Finding) -> str:
    """Where its page is."""
    return "/" + quote(name_of(finding))


def words(request: Asked, parts: Parts) -> dict[str, Any]:
    """What every page about findings says them with."""
    language = viewer_of(request).language
    return {
        "title": lambda each: wording.title(each.seen, language=language),
        "grade": lambda each: wording.grade_named(each.grade, language=language),
        "state": lambda each: wording.state_named(each.state, language=language),
        "kinds": KINDS,
        "symbols": _SYMBOLS,
        "path": path_of,
        "now_ms": parts.clock_ms(),
        "several": len(parts.policy.tenants) > 1,
    }


def shown_finding(
    request: Asked,
    parts: Parts,
    finding: Finding,
    *,
    error: str = "",
    field: str = "",
    text: str = "",
    given: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the page of one is made of; `given` and `text` are what somebody has written that could not be done."""
    principal, language, tenant = principal_of(request), viewer_of(request).language, finding.seen.tenant
    subject = dict(finding.seen.about)
    stop = stop_of(subject) if principal.may(Right.STOPS, tenant) else ""
    named = wording.title(finding.seen, language=language)
    asked = {"what": stop, "tenant": tenant, "reason": named[:_MOST_REASON], "finding": name_of(finding)}
    may = principal.may(Right.FINDINGS, tenant)
    writes = principal.may(Right.POLICY_WRITE)
    return {
        **words(request, parts),
        "finding": finding,
        "about": wording.about(finding.seen, language=language),
        "sentences": wording.sentences(finding.seen, language=language),
        "figures": _figures(request, finding),
        "pictures": pictures(finding.seen, Words(texts_of(request), language)),
        "evidence": Look(filter=" ".join(finding.seen.filter.split()), since=ALL).path(),
        "changes": lambda comment: _changes(request, comment),
        "link_path": lambda link: _link_path(link, writes=writes),
        "closed": finding.state in CLOSED,
        "may": may,
        "closes": may and reviewer_of(finding.seen) != principal.name,
        "links": [each for each in finding.links if each.kind != "review"],
        "reviews": [each for each in finding.links if each.kind == "review"],
        "sends": may and not reviewer_of(finding.seen),
        "most": MOST_CHARACTERS,
        "stop": stop,
        "stop_path": f"/stops/new?{urlencode(asked)}",
        "drafts": may and writes and bool(when_of(subject)),
        "probes": may
        and bool(finding.seen.decisions)
        and not reviewer_of(finding.seen)
        and principal.may(Right.PROBES, tenant),
        "given": given or {"owner": finding.owner, "due": f"{at(finding.due_ms):%Y-%m-%d}"},
        "error": error,
        "field": field,
        "text": text,
    }


def _figures(request: Asked, finding: Finding) -> list[tuple[str, str, str]]:
    t, seen = texts_of(request), finding.seen
    words = Words(t, viewer_of(request).language)
    compared = t("findings-compared", m=words.number(seen.m)) if seen.m else ""
    counted = [(t("findings-looked-at"), words.number(seen.n), compared)] if seen.n else []
    if not 0 < seen.level < 1:
        return counted
    level = words.percent(seen.level)
    interval = t("findings-interval", low=words.number(seen.low), high=words.number(seen.high), level=level)
    return [
        (t("findings-measured"), words.number(seen.value), interval),
        *counted,
        (t("findings-certainty"), words.percent(min(seen.certainty, 0.9999)), ""),
    ]


def _changes(request: Asked, comment: Comment) -> list[str]:
    """What was changed, in words."""
    t, language, said = texts_of(request), viewer_of(request).language, []
    for part in comment.what.split(" "):
        name, _, value = part.partition("=")
        if name == "state" and value in State.__members__:
            said.append(t("findings-set-state", value=wording.state_named(State(value), language=language)))
        elif name == "owner":
            said.append(t("findings-set-owner", value=value or t("findings-nobody")))
        elif name == "reviews":
            said.append(t("findings-set-reviews", value=value))
        elif name in ("due", "link"):
            said.append(t("findings-set-due" if name == "due" else "findings-set-link", value=value))
        else:
            said.append(part)
    return said


def _link_path(link: Link, *, writes: bool) -> str:
    """Where what was made of it is seen; empty: nowhere, or whoever looks may not see it."""
    if link.kind == "draft" and writes:
        return f"/policy/drafts/{quote(link.name.rpartition('/')[2])}"
    if link.kind == "review" or (link.kind == "probe" and link.name.count("/") == 2):
        return f"/{quote(link.name)}"
    return "/stops" if link.kind == "stop" else ""
