"""Editing a draft: forms for its parts beside its text. Whatever a form changes is changed in the text, and saved."""

import asyncio
import urllib.parse
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from gateway.packs.shipped import shipped
from services.control.access.persons import language_in
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.drafts import MAX_BODY_BYTES
from services.control.console.page import Parts
from services.control.console.policy import phrases
from services.control.console.policy.fields import FORMS, NEW, filled, shown
from services.control.console.policy.form import field_of, form_of, number_of, typed_text
from services.control.console.rendering import asked_by_htmx, go_to, page, texts_of
from services.control.drafts.checking import Remark
from services.control.drafts.drafting import Drafting
from services.control.drafts.edits import Edit, EditRefused
from services.control.drafts.outline import Outline, Outlined
from services.control.drafts.store import Draft, DraftChanged, DraftProblem
from services.control.drafts.texts import say as in_words
from services.control.drafts.workshop import Overtaken

PAGE_SIZE: Final = 50
_Section = Annotated[str, QueryParameter(name="section")]
_Name = Annotated[str, QueryParameter(name="name")]
_Q = Annotated[str, QueryParameter(name="q")]


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of this page."""
    drafting = parts.drafts

    @get("/policy/drafts/{draft:str}", right=Right.POLICY_WRITE, include_in_schema=False)
    async def edit(
        draft: FromPath[str], request: Asked, section: _Section = "", name: _Name = "", q: _Q = ""
    ) -> Response[str]:
        stored, text = await drafting.store.read(draft)
        values = await _pane(drafting, stored, text, language=language_in(request), section=section, name=name, q=q)
        return page(request, "policy/draft.html", fragment="parts", **values)

    @post("/policy/drafts/{draft:str}/parts", right=Right.POLICY_WRITE, include_in_schema=False,
          request_max_body_size=MAX_BODY_BYTES, status_code=200)  # fmt: skip
    async def show(draft: FromPath[str], request: Asked) -> Response[str]:
        form = await form_of(request)
        stored, text = await drafting.store.read(draft)
        text = typed_text(form, text)
        chosen = {key: field_of(form, key) for key in ("section", "name", "q")}
        values = await _pane(drafting, stored, text, language=language_in(request), **chosen)
        return page(request, "policy/draft.html", fragment="parts", **values)

    @post("/policy/drafts/{draft:str}/part", right=Right.POLICY_WRITE, include_in_schema=False,
          request_max_body_size=MAX_BODY_BYTES, status_code=200)  # fmt: skip
    async def change(draft: FromPath[str], request: Asked) -> Response[Any]:
        form = await form_of(request)
        return await _changed(drafting, draft, form, request)

    @post("/policy/drafts/{draft:str}/sentence", right=Right.POLICY_WRITE, include_in_schema=False,
          request_max_body_size=MAX_BODY_BYTES, status_code=200)  # fmt: skip
    async def phrase(draft: FromPath[str], request: Asked) -> Response[Any]:
        form = await form_of(request)
        return await _phrased(drafting, draft, form, request)

    @post("/policy/drafts/{draft:str}/text", right=Right.POLICY_WRITE, include_in_schema=False,
          request_max_body_size=MAX_BODY_BYTES)  # fmt: skip
    async def save(draft: FromPath[str], request: Asked) -> Response[Any]:
        """For browsers without scripts."""
        form = await form_of(request)
        t = texts_of(request)
        try:
            await drafting.save(
                draft, version=number_of(form, "version"), who=principal_of(request), text=typed_text(form, "")
            )
        except DraftChanged as changed:
            text = in_words("draft-changed", language=language_in(request), by=changed.draft.updated_by)
            return go_to(request, f"/policy/drafts/{draft}", say=text, kind="error")
        return go_to(request, f"/policy/drafts/{draft}", say=t("policy-saved"))

    @post("/policy/drafts/{draft:str}/delete", right=Right.POLICY_WRITE, include_in_schema=False)
    async def delete(draft: FromPath[str], request: Asked) -> Response[Any]:
        form = await form_of(request)
        await drafting.delete(draft, version=number_of(form, "version"), who=principal_of(request))
        return go_to(request, "/policy", say=texts_of(request)("policy-deleted"))

    @post("/policy/drafts/{draft:str}/rebase", right=Right.POLICY_WRITE, include_in_schema=False)
    async def rebase(draft: FromPath[str], request: Asked) -> Response[Any]:
        form = await form_of(request)
        await drafting.rebase(draft, version=number_of(form, "version"), who=principal_of(request))
        return go_to(request, f"/policy/drafts/{draft}", say=texts_of(request)("policy-rebased"))

    return [edit, show, change, phrase, save, delete, rebase]


async def _changed(drafting: Drafting, draft: str, form: FormMultiDict, request: Asked) -> Response[Any]:
    """Make the change of a form, save it, and show the part as it then is; why not is shown where it was filled in."""
    section, name, q = (field_of(form, key) for key in ("section", "part", "q"))
    stored, there = await drafting.store.read(draft)
    text, error = typed_text(form, there), ""
    old = await drafting.questions.part(text, section, name) if name else None
    try:
        if section not in FORMS:
            raise EditRefused("edit-section", section=section)
        edits, chosen = _edits(form, section, name=name, old=old)
        text = await drafting.questions.edit_text(text, edits)
        stored = await drafting.save(draft, version=number_of(form, "version"), who=principal_of(request), text=text)
        name = chosen
    except (EditRefused, DraftProblem, DraftChanged) as refused:
        error = refused.said(language_in(request))
    if not asked_by_htmx(request):
        path = f"/policy/drafts/{draft}?section={section}&name={name}"
        return go_to(request, path, say=error or texts_of(request)("policy-saved"), kind="error" if error else "done")
    language = language_in(request)
    values = await _pane(drafting, stored, text, language=language, section=section, name=name, q=q)
    if error:
        values |= {"error": error, "part": filled(old or {}, section, form) if section in FORMS else None}
    else:
        values |= {"remarks": await _remarks(drafting, stored, text, values, language), "written": text}
    return page(request, "policy/draft.html", fragment="parts", **values)


async def _phrased(drafting: Drafting, draft: str, form: FormMultiDict, request: Asked) -> Response[Any]:
    """Do what the pane of sentences says, save it, and show the pane as it then is."""
    stored, there = await drafting.store.read(draft)
    text, error, name, language = typed_text(form, there), "", field_of(form, "phrase"), language_in(request)
    wrong: phrases.Misfilled | None = None
    try:
        stored, text, name, wrong = await phrases.changed(drafting, draft, form, request, text=text)
    except (EditRefused, DraftProblem, DraftChanged) as refused:
        error = refused.said(language)
    if not asked_by_htmx(request) and wrong is None:
        path = f"/policy/drafts/{draft}?{urllib.parse.urlencode({'section': phrases.SECTION, 'name': name})}"
        return go_to(request, path, say=error or texts_of(request)("policy-saved"), kind="error" if error else "done")
    values = await _pane(drafting, stored, text, language=language, section=phrases.SECTION, name=name, q="")
    values |= {"error": error, "typed": field_of(form, "sentence") if error else ""}
    if wrong is not None:
        values |= phrases.again(wrong, names=values["names"], language=language)
    elif not error:
        values["written"] = text
    return page(request, "policy/draft.html", fragment="parts", **values)


async def filled_in(drafting: Drafting, draft: str, form: FormMultiDict) -> tuple[str, str]:
    """A draft's text with what a form says, which is not saved, and the name of the part that it is about.

    Raises:
        EditRefused: it cannot be put there.
        DraftProblem: there is no such draft.
    """
    section, name = field_of(form, "section"), field_of(form, "part")
    _, there = await drafting.store.read(draft)
    text = typed_text(form, there)
    if section not in FORMS or "name" not in form:
        return text, name
    edits, named = _edits(
        form, section, name=name, old=await drafting.questions.part(text, section, name) if name else None
    )
    return await drafting.questions.edit_text(text, edits), named


def _edits(form: FormMultiDict, section: str, *, name: str, old: Any) -> tuple[tuple[Edit, ...], str]:
    """What a form wants, and the name of the part that is shown then."""
    does = field_of(form, "does", "save")
    if does == "remove":
        return (Edit(kind="remove", section=section, name=name),), ""
    if does in ("up", "down"):
        return (Edit(kind="move", section=section, name=name, after=field_of(form, f"after-{does}")),), name
    if section == "packs":
        chosen, _, version = field_of(form, "pack").partition("@")
        return (Edit(kind="add", section=section, value={"name": chosen, "version": version}),), chosen
    value = filled(old if isinstance(old, dict) else {}, section, form)
    named = str(value.get("name", ""))
    if not name:
        return (Edit(kind="add", section=section, value=value),), named
    return (Edit(kind="replace", section=section, name=name, value=value),), named


async def _pane(
    drafting: Drafting, draft: Draft, text: str, *, language: str, section: str, name: str, q: str
) -> dict[str, Any]:
    """What the page shows: the sections, the parts of the one that is looked at, and the form of one of them."""
    if section == phrases.SECTION:
        pane = await phrases.pane_of(drafting, draft, text, name=name, language=language)
        below = await _pane(drafting, draft, text, language=language, section="rules", name="", q="")
        return below | pane | {"section": section, "chosen": name}
    section = section if section in FORMS else "rules"
    looked_at = name if name and name != NEW_PART else ""
    outline, there = await asyncio.gather(drafting.questions.outline(text), _part(drafting, text, section, looked_at))
    listed = [part for part in outline.sections.get(section, ()) if part.name and part.holds(q)]
    part: Any = dict(NEW[section]) if name == NEW_PART else there
    _, active = await drafting.submitting.revising.store.head()
    return {
        "draft": draft,
        "text": text,
        "active": active,
        "outline": outline,
        "forms": FORMS,
        "section": section,
        "chosen": name if part is not None else "",
        "q": q,
        "listed": listed[:PAGE_SIZE],
        "more": max(0, len(listed) - PAGE_SIZE),
        "part": part if isinstance(part, dict) else None,
        "new": name == NEW_PART,
        "shown": shown,
        "around": _around(outline, section, name),
        "packs": shipped() if section == "packs" else (),
        "error": "",
        "remarks": (),
        "written": None,
    }


async def _part(drafting: Drafting, text: str, section: str, name: str) -> Any:
    return await drafting.questions.part(text, section, name) if name else None


NEW_PART: Final = "+"
"""In place of a part's name: one that is to be made."""


def _around(outline: Outline, section: str, name: str) -> tuple[str | None, str | None]:
    """Behind which part one stands after it is moved up, and down; `None` where it cannot be."""
    names = [part.name for part in outline.sections.get(section, ())]
    if name not in names:
        return None, None
    at = names.index(name)
    up = None if at == 0 else names[at - 2] if at > 1 else ""
    return up, names[at + 1] if at + 1 < len(names) else None


async def _remarks(
    drafting: Drafting, draft: Draft, text: str, values: dict[str, Any], language: str
) -> Sequence[Remark]:
    """What is wrong with the part that is shown."""
    try:
        found = await drafting.questions.check(draft.id, language=language, text=text, findings=False)
    except (Overtaken, DraftProblem):
        return ()
    outline: Outline = values["outline"]
    shown_part: Outlined | None = next(
        (each for each in outline.sections.get(values["section"], ()) if each.name == values["chosen"]), None
    )
    if shown_part is None:
        return ()
    begins = f"{values['section']}[{shown_part.index}]"
    inside = [each for each in found.remarks if each.path == begins or each.path.startswith(f"{begins}.")]
    return [msgspec.structs.replace(each, path=each.path.removeprefix(begins).lstrip(".")) for each in inside]
