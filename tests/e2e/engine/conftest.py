"""Gateways with an Envoy of their own, whatever engine the other tests run on."""

import pytest

from tests.e2e.world import World


@pytest.fixture
def empty_world(empty_world: World) -> World:
    """No gateway yet; those to come have an Envoy."""
    empty_world.engine = "envoy"
    return empty_world
