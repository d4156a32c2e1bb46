"""Somebody judges a decision in a terminal: blind, asked until they answer, and Ctrl-C gives it back."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from pilote.audit.v1.personal_pb2 import ListNotesRequest
from services.cli import app
from services.reviews.item import Item, Label, State
from services.reviews.store import ReviewStore
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import send
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.services.environment import UNSET
from tests.services.reviews.test_item import item, says

pytestmark = pytest.mark.one_store


@pytest.fixture
async def waits(world: World, upstream: FakeUpstream, auditor: Auditor) -> Item:
    """A decision that is stored and was judged once, with words that nobody else may read."""
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    ended = await told(world.agent().messages.SendMessage(send(), metadata=credential("sales-bot")))
    await auditor.decision(ended.decision)
    said = msgspec.structs.replace(says("bob", Label.UNCLEAR), text="much too late")
    plain: dict[str, object] = {"model": "lead-score", "model_version": "2", "verdict": "ALLOW"}
    made = item(1, decision=ended.decision, answers=(said,), created_ms=world.clock(), **plain)
    assert await ReviewStore(world.redis).put(made)
    return made


async def judge(home: Path, url: str, auditor: Auditor, *, by: str, typed: str = "", lang: str = "en") -> Result:
    own = {"PILOTE_HOME": str(home), "PILOTE_REDIS_URL": url, "PILOTE_AUDIT_LISTEN": auditor.address}
    environment = UNSET | own | {"PILOTE_LANG": lang}
    arguments = ["reviews", "next", "--by", by, "--tenant", "acme"]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments, input=typed, env=environment))


async def test_it_is_shown_without_what_others_say_and_asked_for_until_there_is_an_answer(
    world: World, waits: Item, auditor: Auditor, redis_url: str, tmp_path: Path
) -> None:
    done = await judge(tmp_path, redis_url, auditor, by="ada", typed="9\n2\n3\nin the evening\n")
    assert done.exit_code == 0, done.output
    assert waits.decision in done.stdout
    assert "lead-score 2" in done.stdout
    assert "Choose a number from 1 to 3." in done.stdout
    assert "should have been allowed" not in done.stdout  # it was
    assert "too late" not in done.stdout
    assert "Your judgement is kept." in done.stdout
    there = await ReviewStore(world.redis).get("acme", waits.id)
    assert there is not None
    assert (there.state, [each.by for each in there.answers]) == (State.DISPUTED, ["bob", "ada"])
    assert (there.answers[1].corrected, there.answers[1].text) == ("DEFER", "in the evening")
    notes = (await auditor.stub.ListNotes(ListNotesRequest(kind="change", resource=f"reviews/acme/{waits.id}"))).notes
    assert [(each.person, each.change.operation) for each in notes] == [("ada", "judge")]
    assert "DEFER" not in str(notes)

    # A third decides, and reads what they say without their names.
    last = await judge(tmp_path, redis_url, auditor, by="eve", typed="1\n\n", lang="fr")
    assert "Deux personnes ne sont pas d’accord" in last.stdout
    assert "much too late" in last.stdout
    assert not re.search(r"\b(ada|bob)\b", last.stdout)  # as a part of an id either may come
    nothing = await judge(tmp_path, redis_url, auditor, by="ada")
    assert (nothing.exit_code, nothing.stdout.strip()) == (0, "There is nothing more that you may judge now.")


async def test_who_types_no_more_gives_it_back(
    world: World, waits: Item, auditor: Auditor, redis_url: str, tmp_path: Path
) -> None:
    done = await judge(tmp_path, redis_url, auditor, by="ada", typed="1\n")
    assert (done.exit_code, "Others may judge it now." in done.stdout) == (130, True)
    assert await ReviewStore(world.redis).lease("acme", waits.id, now_ms=0) is None


async def test_ctrl_c_gives_it_back(
    world: World, waits: Item, auditor: Auditor, redis_url: str, tmp_path: Path
) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")},  # noqa: TID251
        "PILOTE_HOME": str(tmp_path),
        "PILOTE_REDIS_URL": redis_url,
        "PILOTE_AUDIT_LISTEN": auditor.address,
    }
    # A run of tests in the background of a shell ignores SIGINT, and so would all that it starts.
    python = ("env", "--default-signal=INT", sys.executable)
    command = (*python, "-m", "services.cli", "reviews", "next", "--by", "ada", "--tenant", "acme")

    def interrupted() -> tuple[int, str]:
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            shown = ""
            while "Number" not in shown:
                read = running.stdout.read(1)
                assert read, shown
                shown += read
            running.send_signal(signal.SIGINT)
            return running.wait(timeout=120), running.stdout.read()

    code, said = await asyncio.to_thread(interrupted)
    assert (code, "Others may judge it now." in said) == (130, True)
    assert await ReviewStore(world.redis).lease("acme", waits.id, now_ms=0) is None


async def test_where_the_log_takes_no_notes_nothing_is_kept_from_others(
    world: World, waits: Item, redis_url: str, tmp_path: Path
) -> None:
    deaf = Auditor(world.channel(), address="127.0.0.1:1")
    done = await judge(tmp_path, redis_url, deaf, by="ada", typed="1\n\n")
    assert (done.exit_code, "127.0.0.1:1" in done.stderr) == (1, True)
    assert await ReviewStore(world.redis).lease("acme", waits.id, now_ms=0) is None
