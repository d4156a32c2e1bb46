"""The description of the interface: as JSON for programs, and rendered for people, without anything from elsewhere."""

from importlib import resources
from typing import Any, Final

import jinja2
from litestar import Request
from litestar.enums import MediaType
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin

from services.control.api.openapi import Json, finished
from services.control.api.rendered import described

PATH: Final = "/schema"
TITLE: Final = "Pilote"
VERSION: Final = "1"


def documented() -> OpenAPIConfig:
    """How the application describes itself, at `PATH`."""
    page = _Page()
    plugins = [page, _Finished(), _Style()]
    return OpenAPIConfig(title=TITLE, version=VERSION, path=PATH, render_plugins=plugins, use_handler_docstrings=True)


class _Rendering(OpenAPIRenderPlugin):
    """Renders once, since the application does not change while it runs."""

    def __init__(self, path: str, media_type: MediaType | str) -> None:
        super().__init__(path=path, media_type=media_type)  # type: ignore[arg-type] # any text is a media type
        self._made: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """What is answered."""
        if self._made is None:
            self._made = self.make(request, finished(openapi_schema, request.app))
        return self._made

    def make(self, request: Request[Any, Any, Any], schema: Json) -> bytes:
        """The same, made of the finished description."""
        raise NotImplementedError


class _Finished(_Rendering):
    def __init__(self) -> None:
        super().__init__("/openapi.json", MediaType.JSON)

    def make(self, request: Request[Any, Any, Any], schema: Json) -> bytes:
        return self.render_json(request, schema)


class _Page(_Rendering):
    def __init__(self) -> None:
        super().__init__("/", MediaType.HTML)

    def make(self, _: Request[Any, Any, Any], schema: Json) -> bytes:
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("services.control.api", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        page = environment.get_template("schema.html")
        return page.render(title=TITLE, version=VERSION, sections=described(schema), schemes=_schemes(schema)).encode()


class _Style(_Rendering):
    def __init__(self) -> None:
        super().__init__("/schema.css", MediaType.CSS)

    def make(self, _: Request[Any, Any, Any], __: Json) -> bytes:
        return resources.files("services.control.api").joinpath("templates", "schema.css").read_bytes()


def _schemes(schema: Json) -> Json:
    found: Json = schema["components"]["securitySchemes"]
    return found
