"""What Prometheus would read: one page of metrics, parsed strictly."""

from typing import Any, Final

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"


class Page:
    """Samples by name and labels."""

    def __init__(self, text: str) -> None:
        parse: Any = text_string_to_metric_families
        self.families: dict[str, Any] = {family.name: family for family in parse(text)}
        self.samples: list[Sample] = [sample for family in self.families.values() for sample in family.samples]

    def of(self, name: str, **labels: str) -> list[Sample]:
        """The samples of that name that have these labels, among others."""
        return [each for each in self.samples if each.name == name and labels.items() <= each.labels.items()]

    def value(self, name: str, **labels: str) -> float:
        """The value of the only such sample."""
        (sample,) = self.of(name, **labels)
        return float(sample.value)


async def scraped(port: int) -> Page:
    """The page at that port, in OpenMetrics."""
    return Page(await text(port, accept=OPENMETRICS))


async def text(port: int, *, accept: str = "", path: str = "/metrics") -> str:
    """The page as it comes."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept}) as response,
    ):
        response.raise_for_status()
        return await response.text()
