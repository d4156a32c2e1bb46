"""Another process compiles large policies, and this one decides by its programs exactly as by its own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.activation.compiling import LARGE_BYTES, Compiler, NotCompiled
from gateway.activation.loading import Checked, canonical, check_stored, load, load_stored
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.rules import Program, RuleEngine
from tests.e2e.waiting import until
from tests.policies import READ, policy

RULES = [
    {
        "name": f"r{n}",
        "effect": "deny",
        "methods": [READ],
        "when": f'agent.labels["n"] == "{n}" && now > now - duration("{n}s")',
    }
    for n in range(1_500)
]


LIMITS = [{"name": "one", "methods": [READ], "by": [], "key": 'agent.labels["n"] + "x"', "rate": 5, "per": "1s"}]


@pytest.fixture(scope="module")
def document() -> bytes:
    found = canonical(load(policy(rules=RULES, limits=LIMITS)).document)
    assert len(found) >= LARGE_BYTES
    return found


@pytest.fixture
def compiler() -> Iterator[Compiler]:
    made = Compiler(longest_s=60)  # it runs only when nothing else wants to, and here other tests may
    yield made
    made.close()


def test_what_another_process_compiled_answers_like_what_was_compiled_here(document: bytes, compiler: Compiler) -> None:
    rests: list[int] = []
    own = load_stored(document)
    with compiler.compiling(document) as programs:
        assert programs is not None
        theirs = Checked(document, rest=lambda: rests.append(0)).compiled(programs, number=7)
        assert list(programs) == []  # all of them were used
    assert theirs.number == 7
    assert len(rests) > len(RULES)
    assert theirs.document == own.document
    assert theirs.sha256 == own.sha256
    assert not theirs.engine._came
    for labels in ({"n": "3"}, {"n": "1499"}, {"n": "x"}, {}):
        assert _answers(theirs, labels) == _answers(own, labels)
        assert _keys(theirs, labels) == _keys(own, labels) == [f"{labels['n']}x" if "n" in labels else None]


def test_each_revision_is_compiled_anew(document: bytes, compiler: Compiler) -> None:
    assert len(compiled(compiler, document)) == len(compiled(compiler, document)) > 0


def test_a_document_with_mistakes_has_no_programs_and_the_next_one_has(document: bytes, compiler: Compiler) -> None:
    wrong = document.replace(b'agent.labels[\\"n\\"] == \\"7\\"', b"agent.label == 7")
    assert wrong != document
    assert compiled(compiler, wrong) == compiled(compiler, document[:-1]) == []
    assert compiled(compiler, document)  # the very same process
    with pytest.raises(PolicyInvalid):
        load_stored(wrong)
    assert compiled(compiler, document)


def test_a_process_that_was_killed_gives_nothing_and_is_started_again(document: bytes, compiler: Compiler) -> None:
    compiler.prepare(document)
    assert compiler._process is not None
    os.kill(compiler._process.pid, signal.SIGKILL)
    compiler._process.wait()
    assert compiled(compiler, document) == []
    assert compiled(compiler, document)


def test_who_takes_too_long_is_not_waited_for(document: bytes) -> None:
    compiler = Compiler(longest_s=0)
    assert compiled(compiler, document) == []
    compiler.close()


def test_for_a_small_document_no_process_is_started(compiler: Compiler) -> None:
    small = canonical(load(policy(rules=RULES[:5])).document)
    compiler.prepare(small)
    with compiler.compiling(small) as theirs:
        assert theirs is None
    assert compiler._process is None


async def test_an_answer_that_nobody_waited_for_is_not_taken_for_another(document: bytes, compiler: Compiler) -> None:
    other = document.replace(b'\\"7\\"', b'\\"77\\"')
    assert other != document
    with pytest.raises(LookupError), compiler.compiling(other):
        raise LookupError
    programs = {program.text for program in compiled(compiler, document)}
    made: list[Program] = []
    check_stored(document, made=made.append)
    assert programs == {program.text for program in made}


async def test_it_ends_with_the_gateway_however_that_ends(document: bytes) -> None:
    program = (
        "import sys, gateway.activation.compiling as c; made = c.Compiler(); made.prepare(bytes(c.LARGE_BYTES));"
        "print(made._process.pid, flush=True); sys.stdin.read()"
    )
    command = (sys.executable, "-c", program)
    gateway = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert gateway.stdout is not None
    pid = int(await gateway.stdout.readline())
    gateway.kill()
    await gateway.wait()
    await until(lambda: not _runs(pid), what="the end of the other process")


def compiled(compiler: Compiler, document: bytes) -> list[Program]:
    """What the other process has compiled of it; nothing where that does not end well."""
    with compiler.compiling(document) as programs:
        assert programs is not None
        try:
            return list(programs)
        except NotCompiled:
            return []


def _answers(revision: Revision, labels: dict[str, str]) -> list[bool | str]:
    engine: RuleEngine = revision.engine
    agent = engine._agent(name="a", labels=labels)
    return revision.methods[READ].conditions.evaluate({"agent": agent}, now_ms=1)


def _keys(revision: Revision, labels: dict[str, str]) -> list[object]:
    agent = revision.engine._agent(name="a", labels=labels)
    keys = [limit.key for limit in revision.methods[READ].limits]
    return [key.value({"agent": agent}, now_ms=1) for key in keys if key is not None]


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except FileNotFoundError:
        return False
