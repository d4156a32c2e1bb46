"""Every connector does what the contract says, before vendors of both manners; and so does the embedded CRM."""

import contextlib
from pathlib import Path

import grpc
import pytest

from services.crm.connectors.conformance import CHECKS, Check, Failed, LeftOut, System
from services.crm.connectors.contract import OPERATIONS
from services.crm.connectors.deal_conformance import DEAL_CHECKS
from services.crm.connectors.message_conformance import MESSAGE_CHECKS, wrong_message_names_its_field
from services.crm.connectors.reading import load
from services.crm.connectors.trying import tried
from services.crm.server import running
from tests.fakes.crm_vendor import vendor_running
from tests.services.crm.connectors.conftest import FOLDER, bench

_named = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
_of_messages = pytest.mark.parametrize("check", MESSAGE_CHECKS, ids=lambda check: check.__name__)


@_named
@pytest.mark.parametrize("file", ["rest.yaml", "rpc.yaml"])
async def test_a_connector_does_what_the_contract_says(file: str, check: Check, tmp_path: Path) -> None:
    async with bench(file, tmp_path) as found:
        await check(found.system)


@_of_messages
async def test_a_connector_sends_messages_as_the_contract_says(check: Check, tmp_path: Path) -> None:
    async with bench("rest.yaml", tmp_path) as found:
        await check(found.system)


async def test_a_message_that_goes_out_twice_is_told(tmp_path: Path) -> None:
    async with bench("rest.yaml", tmp_path) as found:
        twice = found.system._replace(sent=lambda: 2 * len(found.vendor.sent))
        for check in MESSAGE_CHECKS:
            if check is not wrong_message_names_its_field:
                with pytest.raises(Failed, match="did not go out once"):
                    await check(twice)


@pytest.mark.parametrize("check", [*CHECKS, *DEAL_CHECKS, *MESSAGE_CHECKS], ids=lambda check: check.__name__)
async def test_the_embedded_crm_does_what_the_contract_says(check: Check, tmp_path: Path) -> None:
    async with (
        running(listen="127.0.0.1:0", home=tmp_path, drain_seconds=1) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        with contextlib.suppress(LeftOut):  # nothing can be made to go wrong in it
            await check(System(channel, frozenset(OPERATIONS), contact_point="ada@example.org"))


async def test_the_suite_runs_against_a_live_system_that_cannot_be_told_to_fail(tmp_path: Path) -> None:
    async with vendor_running() as (_, url):
        environment = {"VENDOR_SECRET": "hush", "VENDOR_PORT": url.rpartition(":")[2]}
        loaded = load(FOLDER / "rest.yaml")
        outcomes = [
            outcome
            async for outcome in tried(
                loaded, environment=environment, home=tmp_path, allow_private=True, contact_point="ada@example.org"
            )
        ]
    assert [outcome.verdict for outcome in outcomes].count("passed") == len(CHECKS) + len(MESSAGE_CHECKS)
    others = [outcome for outcome in outcomes if outcome.verdict != "passed"]
    assert {(outcome.verdict, outcome.why[-4:]) for outcome in others} == {("left-out", "Deal")}, "it has no deals"
