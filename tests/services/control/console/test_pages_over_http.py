"""What browsers are told about pages and what they load."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from services.control.console.static_files import FOLDER, StaticFiles
from services.control.console.viewer import local_path
from tests.console.gallery import gallery_running


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with gallery_running() as url:
        yield url


async def get(url: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await asyncio.to_thread(requests.get, url, headers=named, timeout=10, allow_redirects=False)


async def test_a_page_lets_nothing_inline_run_and_is_not_kept(url: str) -> None:
    answer = await get(f"{url}/gallery")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["form-action"] == policy["connect-src"] == "'self'"
    nonce = policy["style-src"].removeprefix("'self' 'nonce-").rstrip("'")
    assert f'<meta name="csp-nonce" content="{nonce}">' in answer.text
    assert nonce not in (await get(f"{url}/gallery")).text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_no_page_has_inline_scripts_or_styles(url: str) -> None:
    text = (await get(f"{url}/gallery")).text
    for forbidden in (" style=", "<style", " onclick=", "hx-on", "javascript:"):
        assert forbidden not in text
    assert text.count("<script") == text.count('<script type="module" src="/static/')


async def test_what_a_page_loads_is_compressed_once_and_kept_for_ever(url: str) -> None:
    path = StaticFiles().url("app.js")
    plain = await get(url + path, accept_encoding="identity")
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["content-type"].startswith("text/javascript")
    packed = await asyncio.to_thread(
        requests.get, url + path, headers={"accept-encoding": "gzip;q=0.5"}, timeout=10, stream=True
    )
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.raw.read()) == plain.content
    assert (await get(url + path, accept_encoding="br, gzip")).headers["content-encoding"] == "br"


@pytest.mark.parametrize(
    "name", ["manifest.json", "app.js", "..%2f..%2fconsole.py", "%2e%2e/console.py", "x.css", "a" * 5000]
)
async def test_nothing_else_is_served(url: str, name: str) -> None:
    assert (await get(f"{url}/static/{name}")).status_code == 404


async def test_without_built_assets_pages_say_how_to_build_them(tmp_path: Path) -> None:
    assert (FOLDER / "manifest.json").is_file(), "build them: .ci/assets"
    async with gallery_running(static=StaticFiles(tmp_path)) as url:
        told = await get(f"{url}/gallery", accept="text/html")
        assert (told.status_code, told.headers["content-type"].partition(";")[0]) == (503, "text/plain")
        assert ".ci/assets" in told.text
        told = await get(f"{url}/nowhere", accept="text/html")
        assert told.status_code == 404
        assert told.json()["reason"] == "NOT_FOUND"


async def test_programs_get_problems_where_people_get_pages(url: str) -> None:
    told = await get(f"{url}/v1/nothing", accept="text/html")
    assert told.headers["content-type"].startswith("application/problem+json")
    told = await get(f"{url}/nothing", accept="*/*")
    assert told.headers["content-type"].startswith("application/problem+json")
    told = await get(f"{url}/nothing", accept="text/html,*/*;q=0.8")
    assert told.headers["content-type"].startswith("text/html")
    assert told.status_code == 404


async def test_cookies_that_nobody_has_set_so_are_ignored(url: str) -> None:
    cookie = 'pilote_language=de; pilote_theme="><script>; pilote_said=%5B%22evil%22%2C%22x%22%5D'
    answer = await get(f"{url}/gallery", cookie=cookie)
    assert '<html lang="en" data-theme="system">' in answer.text
    for said in ("%", "[]", "%5B1%5D", "%FF", "x" * 3000):
        assert (await get(f"{url}/gallery", cookie=f"pilote_said={said}")).status_code == 200


@given(st.text(max_size=40))
@example("//evil.example/")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("https://evil.example")
@example("/a\r\nset-cookie: x=1")
def test_a_browser_is_sent_to_nowhere_else(text: str) -> None:
    path = local_path(text, default="/now")
    assert path == "/now" or (path == text and path[0] == "/" and path[1:2] not in {"/", "\\"})
    assert path.isascii()
    assert path.isprintable()


def test_a_browser_is_sent_back_to_where_it_was() -> None:
    assert local_path("/decisions?filter=a%20b&x=1") == "/decisions?filter=a%20b&x=1"
    assert local_path(None) == "/"


async def test_another_site_cannot_change_what_language_somebody_reads(url: str) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    answer = await asyncio.to_thread(
        lambda: requests.post(
            f"{url}/preferences", data={"language": "fr"}, headers=headers, timeout=10, allow_redirects=False
        )
    )
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("form", [{}, {"language": "de"}, {"theme": "x" * 1000}, {"next": "//evil.example"}])
async def test_choices_that_there_are_not_change_nothing(url: str, form: dict[str, str]) -> None:
    answer = await asyncio.to_thread(
        lambda: requests.post(f"{url}/preferences", data=form, timeout=10, allow_redirects=False)
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert "set-cookie" not in answer.headers
