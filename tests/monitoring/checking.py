"""Compares what a query asks for with what is really shown."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from tests.monitoring.promql import Query, Selector
from tests.scraping import Page

GIVEN: Final = frozenset({"instance", "job"})
"""Labels that Prometheus itself adds to whatever it reads."""
TEMPLATE: Final = re.compile(r"\{\{\s*(?:\$labels\.)?([a-z_]+)[^}]*\}\}")
WORDS: Final = frozenset({"$value"})


class Shown:
    """The samples of a page by name: labels, each with all its values."""

    def __init__(self, page: Page) -> None:
        self.samples: dict[str, list[Mapping[str, str]]] = {}
        for sample in page.samples:
            self.samples.setdefault(sample.name, []).append(sample.labels)

    def labels(self, name: str) -> set[str]:
        """Labels that any sample of that name has."""
        return {label for labels in self.samples.get(name, ()) for label in labels} | GIVEN

    def problems(self, query: Query, templates: Iterable[str] = ()) -> list[str]:
        """What the query asks for and is not there, and what texts name that its answer does not have."""
        found = [problem for selector in query.selectors for problem in self._unmatched(selector)]
        known = {label for selector in query.selectors for label in self.labels(selector.name)}
        found += [f"no metric of it has the label {label}" for label in sorted(query.grouped - known)]
        kept = query.grouped or frozenset(known)
        named = {label for text in templates for label in TEMPLATE.findall(text)}
        return found + [f"its answer has no label {label}" for label in sorted(named - kept)]

    def _unmatched(self, selector: Selector) -> list[str]:
        if selector.name not in self.samples:
            return [f"nothing shows {selector.name}"]
        matching = [labels for labels in self.samples[selector.name] if _matches(labels, selector)]
        return [] if matching else [f"no sample of {selector.name} has {selector.matchers}"]


def _matches(labels: Mapping[str, str], selector: Selector) -> bool:
    return all(label in GIVEN or _holds(labels.get(label, ""), how, value) for label, how, value in selector.matchers)


def _holds(text: str, how: str, value: str) -> bool:
    if how in ("=", "!="):
        return (text == value) == (how == "=")
    return (re.fullmatch(value, text) is not None) == (how == "=~")
