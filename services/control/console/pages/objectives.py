"""The page *Objectives*: what the policy states that agents are to achieve, and how each of it stands."""

from collections.abc import Sequence
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.core.policy.objectives import MONEY
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.page import Page, Parts
from services.control.console.pages.finding_picture_parts import Words
from services.control.console.rendering import page, texts_of
from services.control.console.texts.objectives import TEXTS
from services.control.console.viewer import viewer_of
from services.control.filters import is_
from services.control.objectives import GuardrailShown, ObjectiveShown

NOT_YET: Final = "\N{EN DASH}"
_STATES: Final = {"UPCOMING": ("", "clock"), "RUNNING": ("allow", "check"), "OVER": ("", "check")}


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page."""

    @get("/objectives", right=Right.SEE, include_in_schema=False)
    async def objectives(request: Asked) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        language = viewer_of(request).language
        words = Words(texts_of(request), language)
        return page(
            request,
            "objectives/objectives.html",
            objectives=await parts.operations.objectives.of(tenants, now_ms=parts.clock_ms()),
            states=_STATES,
            called=lambda each: each.title.get(language) or each.name.removeprefix("objectives/"),
            figures=lambda each: _figures(words, each, several=len(parts.policy.tenants) > 1),
            guarded=lambda each: _standing(words, each, kpi=each.measure),
            filter_of=lambda each: is_("objective", each.name.removeprefix("objectives/")),
            percent=words.percent,
            epoch=lambda moment: int(moment.timestamp() * 1000),
        )

    return [objectives]


def _figures(words: Words, shown: ObjectiveShown, *, several: bool) -> list[tuple[str, str]]:
    sign = "most" if shown.less_is_better else "least"
    kpi = words.say(f"objectives-kpi-{shown.kpi}")
    target = words.say(f"objectives-{sign}", kpi=kpi, target=_amount(words, shown.target, kpi=shown.kpi))
    unknown = words.say("objectives-unknown")
    worked_out = shown.compute_time is not None
    found = [
        ("target", target),
        ("value", _standing(words, shown, kpi=shown.kpi) if worked_out else unknown),
        ("share", unknown if shown.share_of_target is None else words.percent(shown.share_of_target)),
        ("elapsed", words.percent(shown.elapsed)),
        ("contacts", _used(words, words.number(shown.contacts), shown.budget.contacts, worked_out=worked_out)),
        ("tenant", shown.tenant if several else ""),
        ("campaign", shown.campaign),
        ("segment", shown.segment),
        ("channels", ", ".join(shown.channels)),
        ("categories", ", ".join(shown.categories)),
        ("agents", ", ".join(shown.agents)),
    ]
    if shown.budget.cents is not None:
        of, spent = _money(words, shown.budget.cents, shown), _money(words, shown.spent_cents, shown)
        found.insert(5, ("spent", words.say("objectives-of", used=spent if worked_out else NOT_YET, most=of)))
    return [(words.say(f"objectives-{name}"), text) for name, text in found if text]


def _used(words: Words, used: str, most: int | None, *, worked_out: bool) -> str:
    shown = used if worked_out else NOT_YET
    return shown if most is None else words.say("objectives-of", used=shown, most=words.number(most))


def _money(words: Words, cents: int, shown: ObjectiveShown) -> str:
    return words.say("objectives-money", amount=words.number(cents / 100), currency=shown.budget.currency)


def _standing(words: Words, shown: ObjectiveShown | GuardrailShown, *, kpi: str) -> str:
    """A number with its interval and what it rests on, or that there is too little to say it."""
    n = words.number(shown.sample_size)
    if shown.value is None:
        return words.say("objectives-insufficient", n=n)
    value = _amount(words, shown.value, kpi=kpi)
    if shown.low is None or shown.high is None:
        return words.say("objectives-plain", value=value, n=n)
    low, high = (_amount(words, each, kpi=kpi) for each in (shown.low, shown.high))
    return words.say("objectives-interval", value=value, low=low, high=high, n=n)


def _amount(words: Words, value: float, *, kpi: str) -> str:
    """A value of a KPI: money in whole units, shares as percents, NPS as it is."""
    if kpi in MONEY:
        return words.number(value / 100)
    return words.number(value) if kpi == "nps" else words.percent(value)


PAGE: Final = Page("objectives", TEXTS, handlers, icon="flag")
