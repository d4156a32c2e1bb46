"""What the form of *What if* asks, in its fields and in the address of the page: the same names in both."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.core.policy.document import Document
from services.control.drafts.edits import Edit
from services.control.drafts.store import DraftProblem
from services.control.whatif.knobs import MOST, OwnCap, knobs_of, noting, own_cap, turned

_KNOBS = ("caps.", "limits.")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried, beside what, over which days."""

    draft: str = ""
    """Its id; empty: the active policy."""
    against: str | None = None
    """Likewise; `None`: nothing but the record."""
    days: int = 30
    turned: Mapping[str, str] = {}
    """What the fields of knobs hold, by key, as typed."""
    own: Mapping[str, str] = {}
    """The fields of a cap for a segment, as typed."""
    notes: Mapping[str, str] = {}
    """Which rules and quiet hours are to note only: "notes.{section}.{part}"."""
    job: str = ""
    version: int = 0
    """Of the draft, as it was seen."""
    title: str = ""

    def fields(self) -> dict[str, str]:
        """It, as the address of a page that asks the same."""
        against = "recorded" if self.against is None else self.against or "active"
        its = {"draft": self.draft, "against": against, "days": str(self.days), "job": self.job}
        return {name: value for name, value in its.items() if value} | {**self.turned, **self.own, **self.notes}

    def edits(self, document: Document) -> tuple[Edit, ...]:
        """What it changes of a policy.

        Raises:
            DraftProblem: a number is none, or there is no such cap.
        """
        knobs = knobs_of(document)
        found = turned(knobs, {key: _number(key, text) for key, text in self.turned.items()})
        found += noting(document, self.notes)
        cap = self._own_cap()
        if cap is None:
            return found
        return *found, own_cap(cap, taken=frozenset(each.part for each in knobs))

    def _own_cap(self) -> OwnCap | None:
        segment, most = self.own.get("own-segment", ""), self.own.get("own-most", "")
        if not segment and not most:
            return None
        if not segment or not (most.isdecimal() and len(most) < 11) or int(most) > MOST:
            raise DraftProblem("what-if-own")
        return OwnCap(
            segment=segment[:1_000],
            most=int(most),
            window=self.own.get("own-window", "") or "7d",
            channel=self.own.get("own-channel", ""),
            category=self.own.get("own-category", ""),
        )


def question_in(texts: Mapping[str, Sequence[str]]) -> Question:
    """What the fields of a form, or those of an address, ask."""

    def one(name: str) -> str:
        return texts[name][-1].strip() if texts.get(name) else ""

    against, days, version = one("against"), one("days"), one("version")
    return Question(
        draft=one("draft").removeprefix("policy-drafts/")[:100],
        against=None if against in ("", "recorded") else "" if against == "active" else against[:100],
        days=int(days) if days.isdecimal() and len(days) < 5 else 30,
        turned={name: one(name) for name in texts if name.startswith(_KNOBS)},
        own={name: one(name) for name in texts if name.startswith("own-") and one(name)},
        notes={name: "on" for name in texts if name.startswith("notes.") and one(name)},
        job=one("job")[:100],
        version=int(version) if version.isdecimal() and len(version) < 16 else 0,
        title=one("title"),
    )


def _number(key: str, text: str) -> int | None:
    """The number that somebody has typed; `None`: without limit."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > 10 or int(text) > MOST:
        raise DraftProblem("what-if-number", knob=key)
    return int(text)
