"""What a gateway does about its Envoy, before there is one."""

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from gateway.envoy.engine.configuration import Places
from gateway.envoy.engine.engine import Engine, engine_of
from gateway.settings import Settings
from tests.policies import revision

UPSTREAMS: list[dict[str, Any]] = [
    {"name": "crm", "address": "127.0.0.1:1", "tls": "mutual"},
    {"name": "other", "address": "127.0.0.1:2", "tls": True},
]


def test_what_a_killed_gateway_has_left_behind_is_removed_though_it_had_the_number_of_this_one() -> None:
    folders = [Path(tempfile.mkdtemp(prefix=f"pilote-envoy-{os.getpid()}-")) for _ in range(2)]
    try:
        os.utime(folders[0], (0, 0))  # written long before this process began; in a container each is the first
        with engine_of(Settings(), apart=False) as engine:
            assert [each.exists() for each in (*folders, engine.places.home)] == [False, True, True]
        assert not engine.places.home.exists()
    finally:
        for each in folders:
            shutil.rmtree(each, ignore_errors=True)


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
