"""No form that a browser can send makes a page of the console fail."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import argon2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import services.control.console
from gateway.clock import clock_ms
from services.control.access.accesses import Access
from services.control.access.rights import Role
from services.control.console.forms import Form, Secret, read
from services.control.undone import Undone
from tests.e2e.insiders import CONTROL_KEY, Inside
from tests.e2e.office import opened
from tests.e2e.policy import policy
from tests.e2e.world import World
from tests.examples import examples
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE

CONSOLE: Final = Path(services.control.console.__file__).parent
ENDS: Final = {"/logout", "/account/sessions/end-others"}
"""What would end the session that asks."""


def _written(pattern: str, kind: str) -> list[str]:
    texts = (path.read_text() for path in CONSOLE.rglob(f"*.{kind}"))
    return sorted({found for text in texts for found in re.findall(pattern, text)})


PATHS: Final = [path for path in _written(r'@post\(\s*"(/[^"]*)"', "py") if path not in ENDS]
FIELDS: Final = sorted(
    {*_written(r'name="([\w.-]+)"', "html"), *_written(r'ui\.\w+\("([\w.-]+)"', "html"), "role", "grant"}
)
VALUES: Final = (
    "",
    "yes",
    "approve",
    "0",
    "-1",
    "9" * 30,
    "*",
    "all",
    "agent=sales-bot",
    "*/admin",
    "a" * 2_000,
    "\0",
    "é\u202e",
)


@pytest.fixture
async def house(empty_world: World, upstream: FakeUpstream) -> AsyncIterator[Inside]:
    cheap = argon2.profiles.CHEAPEST
    access = Access(empty_world.redis, keys=(CONTROL_KEY,), clock_ms=clock_ms, profile=cheap)
    async with opened(
        empty_world, policy(upstream.address, people=PEOPLE), control_keys=(CONTROL_KEY,), hashing=cheap
    ) as office:
        yield Inside(office.url, access)
    access.close()


_value = st.sampled_from(VALUES) | st.text(max_size=20).map(lambda text: text.encode(errors="replace").decode())
_forms = st.dictionaries(st.sampled_from(FIELDS), st.lists(_value, min_size=1, max_size=3), max_size=8)
_bodies = st.fixed_dictionaries(
    {"data": _forms},
    optional={"files": st.dictionaries(st.sampled_from(FIELDS), st.binary(max_size=20), min_size=1, max_size=2)},
) | st.tuples(
    st.binary(max_size=60),
    st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain"]
    ),
).map(lambda each: {"data": each[0], "headers": {"content-type": each[1]}})


@pytest.mark.thorough
@pytest.mark.timeout(300)
async def test_no_form_makes_a_page_fail(house: Inside) -> None:
    assert len(PATHS) > 25
    root = await house.somebody("root", *Role)
    await root.confirm()

    @settings(max_examples=examples(250), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(PATHS),
        st.sampled_from(["ann", "0", "1", "sales-bot", "a%2Fb"]),
        _bodies,
        st.sampled_from(["en", "fr"]),
    )
    def send(path: str, name: str, body: Mapping[str, Any], language: str) -> None:
        headers = {
            "accept": "text/html",
            "accept-language": language,
            "x-csrf-token": root.csrf,
            **body.get("headers", {}),
        }
        filled = re.sub(r"\{[^}]*\}", name if ":int}" not in path else "1", path)
        answer = root.session.post(
            f"{house.url}{filled}", **{**body, "headers": headers}, allow_redirects=False, timeout=30
        )
        assert answer.status_code < 500, (filled, answer.status_code, answer.text[:400])

    await asyncio.to_thread(send)
    assert (await root.ask("GET", "/v1/session")).ok


class _Sample(Form, frozen=True, kw_only=True):
    text: str = ""
    password: Secret = ""
    number: int = 0
    several: tuple[str, ...] = ()


@given(st.dictionaries(st.sampled_from(["text", "password", "several", "other"]), st.lists(st.text(), min_size=1)))
def test_texts_come_without_space_around_and_passwords_with_it(texts: dict[str, list[str]]) -> None:
    form = read(texts, _Sample)
    assert form.text == texts.get("text", [""])[0].strip()
    assert form.password == texts.get("password", [""])[0]
    assert form.several == tuple(each.strip() for each in texts.get("several", ()))


@pytest.mark.parametrize("number", ["x", "", "1.5", "0x1"])
def test_what_cannot_be_read_is_told_with_its_field(number: str) -> None:
    with pytest.raises(Undone) as undone:
        read({"number": [number]}, _Sample)
    assert (undone.value.field, "number" in undone.value.said("fr")) == ("number", True)
