"""What the operations about probes are asked with, and what they answer."""

from typing import Annotated

import msgspec

from services.control.api.people_messages import Given, Taken
from services.control.probes.shown import RunShown, SuiteShown
from services.probes.reading import MOST_BYTES

SuiteText = Annotated[str, msgspec.Meta(max_length=MOST_BYTES)]


class SuitesShown(Given, frozen=True, kw_only=True):
    """Suites, by name."""

    probes: tuple[SuiteShown, ...]
    next_page_token: str = ""


class RunsShown(Given, frozen=True, kw_only=True):
    """Runs of a suite, the newest first."""

    runs: tuple[RunShown, ...]
    next_page_token: str = ""


class SaveSuite(Taken, frozen=True, kw_only=True):
    """A suite."""

    text: SuiteText
    """YAML, which calls itself as the path does."""


class CheckSuite(Taken, frozen=True, kw_only=True):
    """What to check."""

    text: SuiteText | None = None
    """In place of what is kept."""
    findings: bool = True
    """Of suites there are none: it is taken, so that one editor can ask about suites and policies alike."""


class RunSuite(Taken, frozen=True, kw_only=True):
    """What to probe; with nothing the active policy."""

    draft: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """`policy-drafts/{draft}` or its id alone; who runs it must be able to write policies."""
    revision: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """In place of a draft."""
    version: Annotated[str, msgspec.Meta(pattern=r"^(models/)?[^/\s]{1,63}/[^/\s]{1,63}\Z")] | None = None
    """A version of a model in that policy, such as `lead-score/2`: it is asked itself, and the rules play no part."""
