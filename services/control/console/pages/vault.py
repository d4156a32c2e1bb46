"""The page *Vault*, beside the findings: what is held of how many people and how long, loading it, and deleting it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler

from pilote.vault.v1 import vault_service_pb2 as pb
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import ruled, tenants_for
from services.control.console.forms import Form, form_as
from services.control.console.page import Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.viewer import viewer_of
from services.control.undone import Undone
from services.control.vault.desk import Loading, WrongRows
from services.findings.wording import grouped, number
from services.vault.attributes import (
    ATTRIBUTES,
    LARGEST_FILE,
    LONGEST_CUSTOMER,
    MOST_KEEP_DAYS,
    MOST_PURPOSE,
    MOST_ROWS,
)
from services.vault.rows import MOST_MISTAKES
from services.vault.texts import mistake_told

PATH: Final = "/findings/vault"
_ROOM: Final = 1 << 20
"""Bytes of a form beside its file."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one attribute. Times are milliseconds since the epoch, 0 where there is none."""

    tenant: str
    attribute: str
    people: int
    purpose: str
    legal_basis: str
    loaded_ms: int
    first_ms: int
    last_ms: int


class _Load(Form, frozen=True, kw_only=True):
    tenant: str = ""
    attribute: str = ""
    purpose: str = ""
    basis: str = ""
    days: str = ""

    def wanted(self, csv: str) -> Loading:
        """It with the file; days that are no number are none."""
        days = int(self.days) if self.days.isascii() and self.days.isdigit() and len(self.days) < 6 else 0
        return Loading(
            tenant=self.tenant,
            attribute=self.attribute,
            csv=csv,
            purpose=self.purpose,
            legal_basis=self.basis,
            keep_days=days,
        )


class _Forget(Form, frozen=True, kw_only=True):
    tenant: str = ""
    attribute: str = ""
    customer: str = ""
    reason: str = ""


class _NoFile(Exception):
    """There is no file to read; the code ends the key of a text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page and what it does."""
    return [_showing(parts), _loading(parts), _forgetting(parts)]


def _showing(parts: Parts) -> HTTPRouteHandler:
    @get(PATH, right=Right.VAULT, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        return await _page(request, parts)

    return shown


def _loading(parts: Parts) -> HTTPRouteHandler:
    @post(PATH, right=Right.VAULT, include_in_schema=False, request_max_body_size=LARGEST_FILE + _ROOM)
    async def load(request: Asked) -> Response[Any]:
        form, who, t = await form_as(request, _Load), principal_of(request), texts_of(request)
        ruled(who, Right.VAULT, parts.policy.tenants, form.tenant)
        try:
            held = await parts.operations.vault.load(form.wanted(await _file(request)), who=who)
        except _NoFile as none:
            return await _page(request, parts, given=form, wrong=t(f"findings-vault-{none.code}"))
        except WrongRows as rows:
            return await _page(request, parts, given=form, wrong=_said(rows, request), rows=rows)
        except Undone as undone:
            return await _page(request, parts, given=form, wrong=_said(undone, request))
        language = viewer_of(request).language
        attribute = grouped("attribute", held.attribute, language=language).capitalize()
        people = number(held.people, language=language)
        return go_to(request, PATH, say=t("findings-vault-said-loaded", attribute=attribute, people=people))

    return load


def _forgetting(parts: Parts) -> HTTPRouteHandler:
    @post(f"{PATH}/forget", right=Right.VAULT, include_in_schema=False)
    async def forget(request: Asked) -> Response[Any]:
        form, who = await form_as(request, _Forget), principal_of(request)
        ruled(who, Right.VAULT, parts.policy.tenants, form.tenant)
        try:
            count = await parts.operations.vault.forget(
                form.tenant, attribute=form.attribute, customer=form.customer, reason=form.reason, who=who
            )
        except Undone as undone:
            return await _page(request, parts, forgetting=form, unforgotten=_said(undone, request))
        told = number(count, language=viewer_of(request).language)
        return go_to(request, PATH, say=texts_of(request)("findings-vault-said-forgotten", count=told))

    return forget


async def _file(request: Asked) -> str:
    """The text of the file that was sent.

    Raises:
        _NoFile: there is none, it is too large, or no text.
    """
    sent = (await request.form()).get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise _NoFile("no-file")
    content = await sent.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise _NoFile("large")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _NoFile("no-text") from error


async def _page(
    request: Asked,
    parts: Parts,
    *,
    given: _Load | None = None,
    wrong: str = "",
    rows: WrongRows | None = None,
    forgetting: _Forget | None = None,
    unforgotten: str = "",
) -> Response[str]:
    language, mistakes = viewer_of(request).language, () if rows is None else rows.mistakes
    tenants = tenants_for(principal_of(request), Right.VAULT, parts.policy.tenants)
    try:
        held, down = await parts.operations.vault.held(tenants), False
    except Undone:
        held, down = (), True
    return page(
        request,
        "findings/vault.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong or unforgotten else HTTPStatus.OK,
        held=[_held(each, language) for each in held],
        down=down,
        tenants=[(each, each) for each in tenants],
        attributes=[(each, grouped("attribute", each, language=language)) for each in ATTRIBUTES],
        values=[(grouped("attribute", each, language=language), values) for each, values in ATTRIBUTES.items()],
        given=given or _Load(),
        wrong=wrong,
        lines=[mistake_told(each.line, each.code, language=language) for each in mistakes[:MOST_MISTAKES]],
        more=max(0, len(mistakes) - MOST_MISTAKES),
        forgetting=forgetting or _Forget(),
        unforgotten=unforgotten,
        most={"rows": MOST_ROWS, "days": MOST_KEEP_DAYS, "text": MOST_PURPOSE, "customer": LONGEST_CUSTOMER},
    )


def _held(each: pb.Attribute, language: str) -> Held:
    some = each.HasField("first_expire_time")
    return Held(
        tenant=each.tenant,
        attribute=grouped("attribute", each.attribute, language=language),
        people=each.people,
        purpose=each.purpose,
        legal_basis=each.legal_basis,
        loaded_ms=each.load_time.ToMilliseconds(),
        first_ms=each.first_expire_time.ToMilliseconds() if some else 0,
        last_ms=each.last_expire_time.ToMilliseconds() if some else 0,
    )


def _said(undone: Undone, request: Asked) -> str:
    return undone.said(viewer_of(request).language)
