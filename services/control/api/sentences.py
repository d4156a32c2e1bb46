"""Sentences of drafts over HTTP: what a draft says, and rules written as people say them."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.changes import Place
from gateway.core.policy.vocabulary import Name
from services.control.access.persons import language_in
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.draft_messages import JobShown
from services.control.api.jobs import started
from services.control.api.parameters import IfMatch, PageSize, PageToken, body_of, match_needed, tagged
from services.control.api.people_messages import Given, Taken
from services.control.drafts.drafting import Drafting
from services.control.drafts.phrasing import Phrasing
from services.control.drafts.sentences import Clash, Phrase, Phrased
from services.control.drafts.store import DraftProblem
from services.control.paging import page
from services.sentences.kinds import Kind, made
from services.sentences.understanding import LONGEST

_Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]


class UnderstandSentence(Taken, frozen=True, kw_only=True):
    """What somebody types."""

    text: _Text
    """In the language of the request, or the other one."""


class SaySentence(Taken, frozen=True, kw_only=True):
    """A sentence, typed or by its slots; exactly one of them."""

    text: _Text = ""
    sentence: dict[str, Any] | None = None
    """Its kind and its slots, as a list of sentences gives them."""


class AddSentence(SaySentence, frozen=True, kw_only=True):
    """A sentence to add."""

    part: Name | None = None
    """What the part is to be called; else it is named after what it says."""


class ExemplifySentence(Taken, frozen=True, kw_only=True):
    """A sentence to show on recorded calls: a part of the draft, or a typed one; exactly one of them."""

    section: str = ""
    part: str = ""
    """Name of the part."""
    text: _Text = ""


class ProbeSentence(Taken, frozen=True, kw_only=True):
    """A part of the draft to make probes of."""

    section: str
    part: Name


class SuiteMade(Given, frozen=True, kw_only=True):
    """A suite, to be kept by `PUT /v1/probes/{tenant}/{suite}`."""

    suite: str
    """How it calls itself."""
    text: str
    """YAML."""


class PhraseShown(Given, frozen=True, kw_only=True):
    """A part of a draft as a sentence."""

    name: str
    """`policy-drafts/{draft}/sentences/{section}/{part}`."""
    phrase: Phrase


class Phrases(Given, frozen=True, kw_only=True):
    """All parts of a draft of which sentences speak."""

    sentences: tuple[PhraseShown, ...]
    next_page_token: str = ""
    """Of the page that follows; empty: there is none."""


class Conflicts(Given, frozen=True, kw_only=True):
    """Parts of a draft that others get in the way of."""

    conflicts: tuple[Clash, ...]
    next_page_token: str = ""
    """Of the page that follows; empty: there is none."""


class PolicySentences:
    """Answers whoever may write policies."""

    def __init__(self, drafting: Drafting) -> None:
        self._drafting = drafting
        self._phrasing = Phrasing(drafting)

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._writing()]

    def _looking(self) -> list[HTTPRouteHandler]:
        phrasing = self._phrasing

        @get("/v1/policy-drafts/{draft:str}/sentences", right=Right.POLICY_WRITE, summary="List a draft's sentences")
        async def listed(
            draft: FromPath[str], request: Asked, size: PageSize = 0, token: PageToken = ""
        ) -> Response[Phrases]:
            """What the draft says, part by part; of what no sentence says, why. The ETag is the draft's."""
            stored, found = await phrasing.listed(draft, language=language_in(request))
            shown, further = page(tuple(enumerate(found)), place=_place, size=size, token=token)
            phrases = tuple(_shown(draft, each) for _, each in shown)
            return tagged(Phrases(sentences=phrases, next_page_token=further), etag=stored.etag)

        @get("/v1/policy-drafts/{draft:str}/conflicts", right=Right.POLICY_WRITE, summary="List a draft's conflicts")
        async def clashing(
            draft: FromPath[str], request: Asked, size: PageSize = 0, token: PageToken = ""
        ) -> Response[Conflicts]:
            """Parts that never matter because of others, in words, with what to do about it."""
            stored, found = await phrasing.conflicts(draft, language=language_in(request))
            shown, further = page(tuple(enumerate(found)), place=_place, size=size, token=token)
            told = Conflicts(conflicts=tuple(each for _, each in shown), next_page_token=further)
            return tagged(told, etag=stored.etag)

        @post(
            "/v1/sentences:understand",
            right=Right.POLICY_WRITE,
            status_code=200,
            summary="Understand a sentence",
            operation_class=takes(UnderstandSentence),
        )
        async def understand(request: Asked) -> Response[Phrased]:
            """What a text says, in both languages and as YAML; or where it is not understood, and what may stand."""
            given = await body_of(request, UnderstandSentence)
            return Response(await phrasing.understand(given.text, language=language_in(request)))

        @post(
            "/v1/policy-drafts/{draft:str}/:exemplify",
            right=Right.POLICY_WRITE,
            status_code=202,
            summary="Show a sentence on recorded calls",
            operation_class=takes(ExemplifySentence),
        )
        async def exemplify(draft: FromPath[str], request: Asked) -> Response[JobShown]:
            """Find, as a job, three to five recorded calls, and what the sentence alone would have made of each.

            Of the newest 1,000 calls of 30 days, limits and caps counted in their order; with how many there are of
            each outcome: stopped, held, deferred, masked, through, unconcerned.
            """
            given = await body_of(request, ExemplifySentence)
            if bool(given.text) == bool(given.section):
                raise DraftProblem("sentence-either", field="text")
            job = await phrasing.examples(
                draft,
                owner=principal_of(request).name,
                language=language_in(request),
                place=Place(given.section, given.part) if given.section else None,
                typed=given.text,
            )
            return started(job)

        return [listed, clashing, understand, exemplify, self._probing()]

    def _probing(self) -> HTTPRouteHandler:
        phrasing = self._phrasing

        @post(
            "/v1/policy-drafts/{draft:str}/:probe",
            right=Right.POLICY_WRITE,
            status_code=200,
            summary="Make probes of a sentence",
            operation_class=takes(ProbeSentence),
        )
        async def probe(draft: FromPath[str], request: Asked) -> Response[SuiteMade]:
            """A suite of probes that passes with the sentence and fails without it; nothing is kept.

            Calls just below, at and over what it bounds, inside and outside of whom it is about, and its exception. It
            is run under the draft with the part and without before it is given.
            """
            given = await body_of(request, ProbeSentence)
            suite, text = await phrasing.probes(
                draft, section=given.section, part=given.part, language=language_in(request)
            )
            return Response(SuiteMade(suite=suite, text=text))

        return probe

    def _writing(self) -> list[HTTPRouteHandler]:
        phrasing = self._phrasing

        @post(
            "/v1/policy-drafts/{draft:str}/sentences",
            right=Right.POLICY_WRITE,
            status_code=201,
            summary="Add a sentence",
            operation_class=takes(AddSentence),
        )
        async def add(draft: FromPath[str], request: Asked, match: IfMatch = "") -> Response[PhraseShown]:
            """Write a sentence into the version of `if-match` as a new part; all other lines stay as they are."""
            version, given = await self._seen(draft, match), await body_of(request, AddSentence)
            stored, phrase, _ = await phrasing.put(
                draft,
                await self._meant(given, request),
                version=version,
                who=principal_of(request),
                language=language_in(request),
                named=given.part or "",
            )
            return tagged(_shown(draft, phrase), etag=stored.etag, status=201)

        @put(
            "/v1/policy-drafts/{draft:str}/sentences/{section:str}/{part:str}",
            right=Right.POLICY_WRITE,
            summary="Say something else",
            operation_class=takes(SaySentence),
        )
        async def replace(
            draft: FromPath[str], section: FromPath[str], part: FromPath[str], request: Asked, match: IfMatch = ""
        ) -> Response[PhraseShown]:
            """Let a part say another sentence; what the sentence does not speak of stays."""
            version, given = await self._seen(draft, match), await body_of(request, SaySentence)
            stored, phrase, _ = await phrasing.put(
                draft,
                await self._meant(given, request),
                version=version,
                who=principal_of(request),
                language=language_in(request),
                section=section,
                part=part,
            )
            return tagged(_shown(draft, phrase), etag=stored.etag)

        @delete(
            "/v1/policy-drafts/{draft:str}/sentences/{section:str}/{part:str}",
            right=Right.POLICY_WRITE,
            summary="Take a sentence out",
        )
        async def remove(
            draft: FromPath[str], section: FromPath[str], part: FromPath[str], request: Asked, match: IfMatch = ""
        ) -> None:
            """Take the part out of the version of `if-match`."""
            version = await self._seen(draft, match)
            await phrasing.remove(draft, version=version, who=principal_of(request), section=section, part=part)

        return [add, replace, remove]

    async def _meant(self, given: SaySentence, request: Asked) -> Kind:
        if bool(given.text) == (given.sentence is not None):
            raise DraftProblem("sentence-either", field="text")
        if given.text:
            return await self._phrasing.meant(given.text, language=language_in(request))
        try:
            return made(given.sentence)
        except msgspec.ValidationError as error:
            raise DraftProblem("sentence-slots", field="sentence", problem=str(error)) from error

    async def _seen(self, draft: str, if_match: str) -> int:
        """The version that a change is made from, which must be said."""
        match = match_needed(if_match)
        return match.version((await self._drafting.store.read(draft))[0].version)


def _place(numbered: tuple[int, Phrase | Clash]) -> tuple[int, str]:
    return numbered[0], numbered[1].part


def _shown(draft: str, phrase: Phrase) -> PhraseShown:
    return PhraseShown(name=f"policy-drafts/{draft}/sentences/{phrase.section}/{phrase.part}", phrase=phrase)
