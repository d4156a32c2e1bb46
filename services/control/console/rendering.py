"""Pages from templates: whole for a browser, one block of them for htmx."""

import urllib.parse
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import CodeType
from typing import Any, Final

import msgspec
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie

from gateway.core.texts import moment, span
from services.control.console import formats
from services.control.console.security import page_policy
from services.control.console.static_files import StaticFiles
from services.control.console.viewer import Viewer, viewer_of
from services.control.console.wording import Wording
from services.control.owed_told import is_owed
from services.control.times import iso

TEMPLATES: Final = Path(__file__).parent / "templates"
_UI: Final = tuple(sorted(path.name for path in (TEMPLATES / "ui").glob("*.html")))
STOP_ASKING: Final = 286
"""The status by which htmx asks no more."""
_SAID: Final = "pilote_said"
"""The cookie with what is to be said on the next page, once."""
_SAID_SECONDS: Final = 30


class _Compiled(BytecodeCache):
    """What templates are compiled to, by their path and their text: for all applications of a process at once."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Put in what is known."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED: Final = _Compiled()


def environment(
    wording: Wording, static: StaticFiles, *, sections: Sequence[Any], folders: Sequence[Path] = (TEMPLATES,)
) -> Environment:
    """The templates, with what all of them may use. What they say is escaped, and a name that is unknown fails."""
    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    made.globals |= {"asset": static.url, "built": static.__contains__, "sections": sections, "wording": wording}
    return made


def page(
    request: Request[Any, Any, Any],
    template: str,
    /,
    *,
    fragment: str = "content",
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[str]:
    """The page that the template makes of the values; for a request of htmx only its block `fragment`."""
    env: Environment = request.app.template_engine.engine  # type: ignore[union-attr]
    viewer = viewer_of(request)
    made, context = env.get_template(template), _context(env, viewer)
    context |= {"name": template.partition("/")[0], **values}
    cookies = []
    if asked_by_htmx(request):
        html = "".join(made.blocks[fragment](made.new_context(context)))
    else:
        html = made.render(context | {"notice": _said(request)})  # no page has a value of that name
        if _SAID in request.cookies:
            cookies.append(Cookie(key=_SAID, path="/", max_age=0))
    policy = {"content-security-policy": page_policy(viewer.nonce)}
    return Response(
        html, media_type=MediaType.HTML, status_code=status, headers={**policy, **(headers or {})}, cookies=cookies
    )


def blocks(request: Request[Any, Any, Any], template: str, names: Sequence[str], /, **values: Any) -> dict[str, str]:
    """Blocks of a template by name, for whoever makes the request, to be put into a page that is shown already."""
    env: Environment = request.app.template_engine.engine  # type: ignore[union-attr]
    made, context = env.get_template(template), _context(env, viewer_of(request)) | values
    return {name: "".join(made.blocks[name](made.new_context(context))) for name in names}


def go_to(
    request: Request[Any, Any, Any], path: str, *, say: str = "", kind: str = "done", cookies: Sequence[Cookie] = ()
) -> Response[None]:
    """Send the browser to another page, which then says that, once. `kind` is done, note or error."""
    if say and is_owed(request):
        say, kind = f"{say} {texts_of(request)('shell-note-owed')}", "note" if kind == "done" else kind
    said = [_saying(say, kind)] if say else []
    headers = {"hx-redirect": path} if asked_by_htmx(request) else {"location": path}
    status = HTTPStatus.NO_CONTENT if asked_by_htmx(request) else HTTPStatus.SEE_OTHER
    return Response(None, status_code=status, headers=headers, cookies=[*cookies, *said])


def asked_by_htmx(request: Request[Any, Any, Any]) -> bool:
    """Whether a part of a page is wanted, to be put into one that is shown already."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"


def texts_of(request: Request[Any, Any, Any]) -> Any:
    """`t(key, …)` in the viewer's language, for what a handler says."""
    env: Environment = request.app.template_engine.engine  # type: ignore[union-attr]
    return partial(env.globals["wording"].say, language=viewer_of(request).language)  # type: ignore[attr-defined]


class Ui:
    """The macros of `templates/ui/`, by name, each knowing the viewer."""

    def __init__(self, env: Environment, context: Mapping[str, Any]) -> None:
        self._env = env
        self._context = context
        self._macros: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        """The macro by that name."""
        if not self._macros:
            for file in _UI:
                module = self._env.get_template(f"ui/{file}").make_module({**self._context, "ui": self})
                self._macros |= vars(module)
        try:
            return self._macros[name]
        except KeyError:
            raise AttributeError(f"templates/ui has no macro {name}") from None


def _context(env: Environment, viewer: Viewer) -> dict[str, Any]:
    wording: Wording = env.globals["wording"]  # type: ignore[assignment]
    language = viewer.language
    context = {
        "viewer": viewer,
        "t": partial(wording.say, language=language),
        "n": partial(wording.count, language=language),
        "number": partial(formats.number, language=language),
        "percent": partial(formats.percent, language=language),
        "duration": partial(span, language=language),
        "moment": partial(moment, language=language),
        "iso": iso,
    }
    return {**context, "ui": Ui(env, context)}


def _said(request: Request[Any, Any, Any]) -> tuple[str, str] | None:
    try:
        found = msgspec.json.decode(urllib.parse.unquote(request.cookies.get(_SAID, "")), type=tuple[str, str])
    except msgspec.DecodeError:
        return None
    return found if found[0] in {"done", "note", "error"} else None


def _saying(text: str, kind: str) -> Cookie:
    value = urllib.parse.quote(msgspec.json.encode((kind, text)))
    return Cookie(key=_SAID, value=value, path="/", max_age=_SAID_SECONDS, httponly=True, samesite="lax")
