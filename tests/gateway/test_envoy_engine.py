"""What a gateway says of calls that its Envoy cannot carry."""

import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.envoy.engine.configuration import Places
from gateway.envoy.engine.engine import Engine
from tests.policies import revision

UPSTREAMS: list[dict[str, Any]] = [
    {"name": "crm", "address": "127.0.0.1:1", "tls": "mutual"},
    {"name": "other", "address": "127.0.0.1:2", "tls": True},
]


async def test_upstreams_that_want_a_certificate_that_there_is_none_of_are_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    places = Places(home=tmp_path, gateway="", asked="", listen="127.0.0.1:0", shown=1, key="k")
    engine = Engine(places, clock=lambda: 0.0)

    def use(**changed: object) -> list[list[str]]:
        caplog.clear()
        engine.use(revision(upstreams=[{**UPSTREAMS[0], **changed}, UPSTREAMS[1]]))
        return [each.upstreams for each in caplog.records if each.levelno == logging.WARNING]  # type: ignore[attr-defined]

    assert use() == [["crm"]]
    assert use(address="127.0.0.1:3") == []
    assert use(tls=False) == []
    await engine.reach.close()
