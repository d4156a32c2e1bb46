"""Files of reports as they are answered: to be kept, shown by nobody's page, and where a browser opens one, inert."""

from typing import Final, Literal

from litestar import Response
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Schema

Form = Literal["html", "pdf"]
MEDIA: Final[dict[Form, str]] = {"html": "text/html", "pdf": "application/pdf"}
POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
"""It looks like what it is, and nothing in it acts or loads anything, whatever names stand in it."""


def file_answer(body: bytes, *, form: Form, name: str) -> Response[bytes]:
    """The answer that is that file; `name` is ASCII, and never one that comes from outside."""
    headers = {"content-disposition": f'attachment; filename="{name}.{form}"', "content-security-policy": POLICY}
    return Response(body, media_type=MEDIA[form], headers={**headers, "cache-control": "no-store"}, status_code=200)


def described_file(*forms: Form) -> OpenAPIResponse:
    """What the description of the interface says of such an answer."""
    schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
    content = {MEDIA[form]: OpenAPIMediaType(schema=schema) for form in forms}
    return OpenAPIResponse(description="The file.", content=content)
