"""What the pages about probes show of a suite: how it stands, what it can be run against, and its last runs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.rendering import texts_of
from services.control.console.viewer import viewer_of
from services.control.drafts.checking import Remark
from services.control.policy import ActivePolicy
from services.control.probes.shown import RunShown, run_shown
from services.probes.making import as_text
from services.probes.store import KeptSuite

MOST_DRAFTS: Final = 20
_METHOD: Final = "/pilote.crm.v1.MessageService/SendMessage"


async def shown_suite(
    request: Asked,
    parts: Parts,
    suite: KeptSuite,
    *,
    chosen: str = "",
    text: str | None = None,
    etag: str = "",
    remarks: Sequence[Remark] = (),
) -> dict[str, Any]:
    """What the page of one is made of; `text`, made from the version `etag`, is what could not be saved."""
    desk, principal, language = parts.operations.probes, principal_of(request), viewer_of(request).language
    runs = await desk.runs(suite)
    return {
        "suite": suite,
        "etag": etag or suite.etag,
        "text": suite.text if text is None else text,
        "stands": (await desk.stands((suite,)))[suite.name],
        "runs": [
            {
                **run_data(run_shown(suite.name, each, language=language)),
                "at_ms": each.ran_ms,
                "older": each.report.suite_sha256 != suite.sha256,
            }
            for each in runs
        ],
        "may": principal.may(Right.PROBES, suite.tenant),
        "targets": await targets_of(request, parts, chosen=chosen),
        "chosen": chosen,
        "remarks": remarks,
    }


async def targets_of(request: Asked, parts: Parts, *, chosen: str = "") -> list[tuple[str, str]]:
    """What a suite can be run against: the active policy, versions in it, and drafts for who may see them.

    What is `chosen` is one of them, whatever it is: where it is gone by now, running it says so, and runs nothing else.
    """
    t, revision, titles = texts_of(request), parts.policy.revision, dict[str, str]()
    found = []
    if revision is not None:
        found.append(("", t("probes-revision", number=revision.number)))
    if principal_of(request).may(Right.POLICY_WRITE):
        drafts = sorted(await parts.drafts.store.all(), key=lambda each: each.updated_ms, reverse=True)
        titles = {each.id: each.title for each in drafts}
        found += [(f"draft {each.id}", t("probes-draft", title=each.title)) for each in drafts[:MOST_DRAFTS]]
    if revision is not None:
        found += [
            (f"version {model.name}/{each.version}", t("probes-version", version=f"{model.name}/{each.version}"))
            for model in revision.document.models
            for each in model.versions
        ]
    if chosen and chosen not in dict(found):
        asked = named_in(chosen)
        draft, version = asked.get("draft"), asked.get("version")
        says = [t("probes-draft", title=titles.get(draft, draft))] if draft else []
        if version:
            says.append(version if says else t("probes-version", version=version))
        found.append((chosen, ", ".join(says)))
    return found


def named_in(target: str) -> Mapping[str, str]:
    """The draft and the version that a target names: "draft ID version lead-score/2" both."""
    words = target.split(" ")
    return dict(zip(words[::2], words[1::2], strict=False))


def run_data(run: RunShown) -> Mapping[str, Any]:
    """A run as templates read it."""
    return {
        "passed": run.passed,
        "target": run.target,
        "cases": run.cases,
        "by": run.by,
        "results": run.results,
    }


def new_text(policy: ActivePolicy, tenant: str, name: str) -> str:
    """What a new suite begins with: a call of one of the tenant's agents, and one probe."""
    agents = policy.revision.document.agents if policy.revision is not None else ()
    agent = next((each.name for each in agents if each.tenant == tenant), "agent")
    message = {"customer": "contacts/probe", "channel": "email", "category": "marketing"}
    base = {"name": "offer", "agent": agent, "method": _METHOD, "request": {"message": message}}
    probe = {"name": "consent-is-needed", "kind": "expect", "base": "offer", "expect": {"verdict": "DENY"}}
    return as_text({"suite": name, "bases": [base], "probes": [probe]})
