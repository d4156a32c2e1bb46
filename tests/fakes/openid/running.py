"""The npm package oidc-provider as a process of its own, and somebody's browser there."""

import asyncio
import contextlib
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import requests

MODULES: Final = Path(__file__).parents[3] / ".build" / "assets" / "node_modules"
SCRIPT: Final = Path(__file__).parent / "provider.mjs"
SECRET: Final = "the secret of these tests"
_FORM: Final = re.compile(r'<form[^>]*action="([^"]+)"')
_PROMPT: Final = re.compile(r'name="prompt" value="(\w+)"')


@contextlib.asynccontextmanager
async def provider(url: str, people: dict[str, dict[str, Any]], **client: Any) -> AsyncIterator[str]:
    """A provider with a client `pilote` that is reached at `url`; yields its issuer. `people` are claims by subject."""
    node = shutil.which("node")
    assert node, "tests of logging in through a provider need node (.ci/assets says which)"
    assert (MODULES / "oidc-provider").is_dir(), "the provider is not installed: run .ci/assets"
    metadata = {
        "client_id": "pilote",
        "client_secret": SECRET,
        "redirect_uris": [f"{url}/oidc/callback"],
        "post_logout_redirect_uris": [f"{url}/login"],
        **client,
    }
    process = await asyncio.create_subprocess_exec(
        node,
        *(str(SCRIPT), str(MODULES), json.dumps({"client": metadata, "people": people})),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def gone_through(
    browser: requests.Session, url: str, subject: str, *, before: str = "", most: int = 20
) -> requests.Response:
    """Follow redirects from a page of ours to the provider and back, logging in as `subject` where it asks.

    Answers the first response of ours that is no redirect, or the provider's when it lets nobody back. With `before`
    it answers the redirect to what begins so.
    """
    answer = browser.get(url, allow_redirects=False, timeout=20)
    for _ in range(most):
        if before and answer.headers.get("location", "").startswith(before):
            return answer
        if answer.is_redirect:
            answer = browser.get(urljoin(answer.url, answer.headers["location"]), allow_redirects=False, timeout=20)
            continue
        form, prompt = _FORM.search(answer.text), _PROMPT.search(answer.text)
        if form is None or prompt is None:
            return answer
        fields = {"prompt": prompt[1], "login": subject, "password": "any"}
        answer = browser.post(urljoin(answer.url, form[1]), data=fields, allow_redirects=False, timeout=20)
    raise AssertionError("it goes round in circles")
