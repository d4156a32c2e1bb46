"""The pane of sentences in a draft's page: what the draft says, one to fill in, and rules typed as people say them."""

import asyncio
import contextlib
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from litestar import Response, post
from litestar.datastructures import FormMultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.changes import Place
from gateway.core.revision.decode import PolicyInvalid
from services.control.access.persons import language_in
from services.control.access.principals import Asked, needs, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.drafts import MAX_BODY_BYTES
from services.control.console.page import Parts
from services.control.console.policy.form import field_of, form_of, number_of, typed_text
from services.control.console.policy.jobs_shown import job_shown, not_begun
from services.control.console.rendering import go_to, page, texts_of
from services.control.drafts.drafting import Drafting
from services.control.drafts.edits import EditRefused
from services.control.drafts.phrasing import Phrasing
from services.control.drafts.sentences import Clash, Phrase
from services.control.drafts.store import Draft, DraftProblem
from services.control.drafts.texts import say as in_words
from services.control.jobs import JobsFull
from services.control.preconditions import exactly
from services.sentences.blanks import BEGUN, Blank, NotFilled, blanks, filled
from services.sentences.kinds import Kind, kind_of, made
from services.sentences.naming import PICKED, Known, known
from services.sentences.understanding import LONGEST

SECTION: Final = "sentences"
"""In place of a section of the policy, in addresses of a draft's page."""
NEW: Final = "+"
"""Begins the name of a sentence that is to be made; its kind follows."""
SLOT: Final = "slot-"


class Misfilled(NamedTuple):
    """A sentence whose blanks are not filled in well."""

    kind: str
    fields: Mapping[str, Sequence[Any]]
    wrong: Mapping[str, Sequence[str]]


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """What is heard while somebody types."""
    phrasing = Phrasing(parts.drafts)

    @post("/policy/drafts/{draft:str}/hear", right=Right.POLICY_WRITE, include_in_schema=False,
          request_max_body_size=MAX_BODY_BYTES, status_code=200)  # fmt: skip
    async def hear(draft: FromPath[str], request: Asked) -> Response[str]:
        typed = field_of(await form_of(request), "sentence")[: LONGEST + 1]
        found = await phrasing.understand(typed, language=language_in(request)) if typed.strip() else None
        return page(request, "policy/heard.html", fragment="heard", heard=found, typed=typed, draft=draft)

    @post("/policy/drafts/{draft:str}/examples", right=Right.POLICY_WRITE, include_in_schema=False,
          request_max_body_size=MAX_BODY_BYTES, status_code=200)  # fmt: skip
    async def examples(draft: FromPath[str], request: Asked) -> Response[Any]:
        form, language = await form_of(request), language_in(request)
        _, there = await parts.drafts.store.read(draft)
        section, part = field_of(form, "section"), field_of(form, "part")
        try:
            job = await phrasing.examples(
                draft,
                owner=principal_of(request).name,
                language=language,
                place=Place(section, part) if section else None,
                typed=field_of(form, "sentence")[: LONGEST + 1],
                text=typed_text(form, there),
            )
        except (DraftProblem, EditRefused, JobsFull) as problem:
            return not_begun(request, problem)
        return job_shown(request, job)

    @post("/policy/drafts/{draft:str}/probes", right=Right.PROBES, include_in_schema=False)
    async def probe(draft: FromPath[str], request: Asked) -> Response[Any]:
        form, who = await form_of(request), principal_of(request)
        needs(request, Right.POLICY_WRITE, "")
        section, part = field_of(form, "section"), field_of(form, "part")
        tenants = tenants_for(who, Right.PROBES, parts.policy.tenants)
        back = f"/policy/drafts/{draft}?{urllib.parse.urlencode({'section': SECTION, 'name': f'{section}/{part}'})}"
        try:
            name, suite = await phrasing.probes(draft, section=section, part=part, language=language_in(request))
            there = await parts.operations.probes.there(tenants[0], name)
            match = None if there is None else exactly(there.etag)
            kept = await parts.operations.probes.save(tenants[0], name, suite, who=who, match=match)
        except (DraftProblem, EditRefused) as problem:
            return go_to(request, back, say=problem.said(language_in(request)), kind="error")
        except PolicyInvalid:
            return go_to(request, back, say=in_words("job-invalid", language=language_in(request)), kind="error")
        return go_to(request, f"/probes/{kept.name}", say=texts_of(request)("policy-sentences-probed"))

    return [hear, examples, probe]


async def pane_of(drafting: Drafting, draft: Draft, text: str, *, name: str, language: str) -> dict[str, Any]:
    """What the pane shows: all sentences, and the one that is looked at with its blanks."""
    phrasing = Phrasing(drafting)
    listed: tuple[Phrase, ...] = ()
    clashes: tuple[Clash, ...] = ()
    with contextlib.suppress(EditRefused):  # the page says that it cannot be read
        (_, listed), (_, clashes) = await asyncio.gather(
            phrasing.listed(draft.id, language=language, text=text),
            phrasing.conflicts(draft.id, language=language, text=text),
        )
    outline = await drafting.questions.outline(text)
    names = known(
        (each.sentence for each in listed if each.sentence is not None),
        agents=[each.name for each in outline.sections.get("agents", ()) if each.name],
    )
    begun = BEGUN.get(name.removeprefix(NEW)) if name.startswith(NEW) else None
    phrase = next((each for each in listed if f"{each.section}/{each.part}" == name), None)
    sentence = begun if phrase is None or phrase.sentence is None else made(phrase.sentence)
    return {
        "phrases": listed,
        "clashes": {f"{each.section}/{each.part}": each for each in clashes},
        "phrase": phrase,
        "kinds": tuple(BEGUN),
        "wrong": {},
        "typed": "",
        "heard": None,
        **_filling(sentence, language, names),
    }


def _filling(sentence: Kind | None, language: str, names: Known) -> dict[str, Any]:
    if sentence is None:
        return {"blanks": (), "kind": "", "names": names}
    return {"blanks": blanks(sentence, language, names=names), "kind": kind_of(sentence), "names": names}


async def changed(
    drafting: Drafting, draft: str, form: FormMultiDict, request: Asked, *, text: str
) -> tuple[Draft, str, str, Misfilled | None]:
    """Do what the pane's form says: the draft and its text as they are then, the sentence's name, and what is wrong.

    Raises:
        EditRefused, DraftChanged, DraftProblem: it cannot be done.
    """
    phrasing, language, who = Phrasing(drafting), language_in(request), principal_of(request)
    version, name, does = number_of(form, "version"), field_of(form, "phrase"), field_of(form, "does", "save")
    section, _, part = name.partition("/")
    if does == "remove":
        saved, after = await phrasing.remove(draft, version=version, who=who, section=section, part=part, text=text)
        return saved, after, "", None
    if does == "say":
        typed = field_of(form, "sentence")
        sentence, place = await phrasing.meant(typed, language=language), ("", "")
    else:
        fields = {key.removeprefix(SLOT): form.getall(key) for key in form if key.startswith(SLOT)}
        place = ("", "") if name.startswith(NEW) else (section, part)
        try:
            sentence = await drafting.workshop.run(filled, field_of(form, "kind"), language, _texts(fields))
        except NotFilled as not_filled:
            stored, _ = await drafting.store.read(draft)
            return stored, text, name, Misfilled(field_of(form, "kind"), fields, not_filled.wrong)
    saved, phrase, after = await phrasing.put(
        draft, sentence, version=version, who=who, language=language, section=place[0], part=place[1], text=text
    )
    return saved, after, f"{phrase.section}/{phrase.part}", None


def _texts(fields: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """What was typed, chosen or ticked; of what was left empty, nothing."""
    return {
        name: [each[: LONGEST + 1] for each in given if isinstance(each, str) and each.strip()]
        for name, given in fields.items()
    }


def again(misfilled: Misfilled, *, names: Known, language: str) -> dict[str, Any]:
    """The blanks as somebody has filled them in, with what is wrong.

    Raises:
        DraftProblem: there is no such kind of sentence.
    """
    if misfilled.kind not in BEGUN:
        raise DraftProblem("sentence-slots", problem=misfilled.kind)
    given, wrong = _texts(misfilled.fields), misfilled.wrong
    filled_in = tuple(
        _as_filled(each, given.get(each.slot, []), wrong=each.slot in wrong) if each.slot else each
        for each in blanks(BEGUN[misfilled.kind], language, names=names)
    )
    told = {name: ", ".join(some) for name, some in wrong.items()}
    return {"blanks": filled_in, "kind": misfilled.kind, "wrong": told}


def _as_filled(blank: Blank, given: Sequence[str], *, wrong: bool) -> Blank:
    typed = next((each for each in given if not each.startswith(PICKED)), "")
    return msgspec.structs.replace(
        blank,
        text=typed if blank.control in ("text", "number") else blank.text,
        typed=typed if blank.open else "",
        chosen=tuple(given),
        said=blank.said or bool(given) or wrong,
    )
