"""What `pilote up` says once everything is ready."""

import io

import pytest
from rich.console import Console

from gateway.redis_clients import Client
from gateway.settings import Settings
from services.commands.running import publish, tell_without_policy
from tests.policies import revision

pytestmark = pytest.mark.one_store


async def test_that_no_policy_is_active_is_said_only_where_none_is(redis: Client, redis_url: str) -> None:
    settings, said = Settings(redis_url=redis_url), io.StringIO()
    await tell_without_policy(settings, Console(file=said, width=200), "fr")
    assert "Aucune politique n’est encore active" in said.getvalue()
    await publish(redis, revision())
    said = io.StringIO()
    await tell_without_policy(settings, Console(file=said), "en")
    assert said.getvalue() == ""
