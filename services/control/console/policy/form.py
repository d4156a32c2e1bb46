"""What a browser has sent with a form."""

from typing import Any

from litestar import Request
from litestar.datastructures import FormMultiDict


async def form_of(request: Request[Any, Any, Any]) -> FormMultiDict:
    """The form; a draft's text is large, so the handler says how large it may be."""
    return await request.form()


def field_of(form: FormMultiDict, name: str, default: str = "") -> str:
    """One field as text; `default` where it was not sent."""
    value = form.get(name, default)
    return value if isinstance(value, str) else default


def number_of(form: FormMultiDict, name: str, default: int = 0) -> int:
    """One field as a whole number; `default` where it is none."""
    text = field_of(form, name)
    return int(text) if text.isdecimal() and len(text) < 16 else default


def typed_text(form: FormMultiDict, there: str) -> str:
    """The text in the editor, where it was sent, with the line ends that the draft has."""
    text = form.get("text")
    if not isinstance(text, str):
        return there
    plain = text.replace("\r\n", "\n")
    return plain.replace("\n", "\r\n") if "\r\n" in there else plain
