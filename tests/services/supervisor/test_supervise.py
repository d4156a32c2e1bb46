"""Supervision with real processes: their order, their deaths, and that none is left behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from redis.asyncio import Redis

from services import redis_server
from services.supervisor import home as homes
from services.supervisor import leash, process
from services.supervisor.child import Child, Deaths, Timing
from services.supervisor.home import HomeTaken, State
from services.supervisor.probes import GrpcServing, HttpOk, RedisAnswers
from services.supervisor.supervise import Change, ChildFailed, Supervisor
from tests.services.ports import free

QUICK = Timing(poll_seconds=0.005, pause_seconds=0.005, pause_max_seconds=0.02)
PATIENCE_SECONDS = 20.0

IDLE = "signal.pause()"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN); touch(); [signal.pause() for _ in iter(int, 1)]"
FREEZES_WHEN_ASKED_TO_END = (
    "signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGSTOP)); touch();"
    "[signal.pause() for _ in iter(int, 1)]"
)
PARENT_OF_A_STUBBORN_WORKER = (
    "import subprocess; worker = subprocess.Popen([sys.executable, '-S', '-c', '''import signal\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)\nwhile True: signal.pause()'''],"
    " stdout=subprocess.PIPE); worker.stdout.readline(); touch(str(worker.pid)); signal.pause()"
)


async def at_once() -> bool:
    return True


async def never() -> bool:
    return False


class FileThere:
    """Ready when the child has called `touch`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def __call__(self) -> bool:
        return self.path.exists()


def script(code: str, home: Path, *, name: str) -> tuple[str, ...]:
    """A Python child; `touch(text)` makes the file `<name>.up` appear with that text in it."""
    prelude = (
        "import os, signal, sys\n"
        f"def touch(text='', path={str(home / name)!r}):\n"
        "    open(path + '.new', 'w').write(text); os.replace(path + '.new', path + '.up')\n"
    )
    return (sys.executable, "-S", "-c", prelude + code)


class Watched:
    """A supervisor, and what it has reported so far."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.seen: list[Change] = []
        self._changes = supervisor.changes()

    async def until(self, child: str, state: State) -> Change:
        async for change in self._changes:
            self.seen.append(change)
            if (change.child, change.state) == (child, state):
                return change
        raise AssertionError(f"{child} never became {state}: {self.seen}")

    async def rest(self) -> list[Change]:
        self.seen.extend([change async for change in self._changes])
        return self.seen

    def pid(self, child: str) -> int:
        return next(one.pid for one in self.supervisor.state().children if one.name == child)


@contextlib.asynccontextmanager
async def up(home: Path, *children: Child, timing: Timing = QUICK) -> AsyncIterator[Watched]:
    """Children that are all ready; on leaving they are drained."""
    supervisor = Supervisor(home, children, environment={}, timing=timing)
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await supervisor.all_ready.wait()
        try:
            yield Watched(supervisor)
        finally:
            supervisor.stop()


async def start_error(home: Path, *children: Child) -> tuple[str, list[Change]]:
    """What `run` says about children that do not all start, and what was reported until then."""
    supervisor = Supervisor(home, children, environment={}, timing=QUICK)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(ChildFailed) as error:
            await supervisor.run()
        return str(error.value), await Watched(supervisor).rest()


def is_there(pid: int) -> bool:
    """Whether it runs; a zombie of a stranger's does not."""
    return process.born(pid) != ""


@pytest.fixture
def home() -> Iterator[Path]:
    """Short enough for a Unix socket, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="pilote-"))
    yield path
    shutil.rmtree(path)


def child(home: Path, name: str, code: str = IDLE, **options: object) -> Child:
    return Child(**{"name": name, "command": script(code, home, name=name), "ready": at_once, **options})  # type: ignore[arg-type]


def touching(home: Path, name: str, code: str, **options: object) -> Child:
    """A child that is ready when it has called `touch`."""
    return child(home, name, code, ready=FileThere(home / f"{name}.up"), **options)


async def test_children_start_after_those_they_need_and_end_before_them(home: Path) -> None:
    store = Child(
        name="store",
        command=tuple(redis_server.command(home / "redis")),
        ready=RedisAnswers(redis_server.url_of(home / "redis")),
    )
    gateway = touching(home, "gateway", f"touch(); {IDLE}", after=("store",))
    console = child(home, "console", after=("gateway",))
    url = redis_server.url_of(home / "redis")
    async with up(home, console, gateway, store) as watched, Redis.from_url(url) as client:
        assert await client.ping()
    told = [(change.child, change.state) for change in await watched.rest()]
    assert told == [
        *((name, state) for name in ("store", "gateway", "console") for state in (State.STARTING, State.READY)),
        *((name, state) for name in ("console", "gateway", "store") for state in (State.DRAINING, State.STOPPED)),
    ]


async def test_children_that_do_not_need_each_other_start_at_the_same_time(home: Path) -> None:
    # Each is ready only when the other one runs: one after the other, neither would ever be.
    one = child(home, "one", f"touch(); {IDLE}", ready=FileThere(home / "two.up"))
    two = child(home, "two", f"touch(); {IDLE}", ready=FileThere(home / "one.up"))
    async with up(home, one, two) as watched:
        assert [one.state for one in watched.supervisor.state().children] == [State.READY, State.READY]


async def test_a_death_before_ready_is_explained_with_the_last_lines_of_its_log(home: Path) -> None:
    (home / "logs").mkdir()
    (home / "logs" / "crm.log").write_text("a line of yesterday\n")
    dies = child(home, "crm", "print('reading settings'); sys.exit('no such table: contacts')", ready=never)
    message, changes = await start_error(home, child(home, "other"), dies, child(home, "late", after=("crm",)))
    assert message.startswith("crm: it did not start: exit code 1 before it was ready.")
    assert str(home / "logs" / "crm.log") in message
    assert "no such table: contacts" in message
    assert "reading settings" in message
    assert "yesterday" not in message
    assert {change.child: change.state for change in changes} == {
        "crm": State.FAILED,
        "other": State.STOPPED,
        "late": State.STOPPED,
    }


async def test_a_child_that_is_never_ready_is_ended_and_named(home: Path) -> None:
    message, _ = await start_error(
        home, child(home, "slow", "print('hm', flush=True);" + IDLE, ready=never, start_seconds=0.2)
    )
    assert message.startswith("slow: it did not start: not ready within 0.2 s.")


async def test_a_command_that_cannot_be_run_is_named(home: Path) -> None:
    message, _ = await start_error(home, Child(name="typo", command=("no-such-program",), ready=never))
    assert "cannot run no-such-program: No such file or directory" in message


async def test_a_log_that_cannot_be_written_is_named(home: Path) -> None:
    (home / "logs" / "crm.log").mkdir(parents=True)
    message, _ = await start_error(home, child(home, "crm"))
    assert "Is a directory" in message


async def test_a_state_that_cannot_be_written_ends_nobody(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    (home / "up.json.new").mkdir()
    async with up(home, child(home, "crm")) as watched:
        assert is_there(watched.pid("crm"))
    assert "up.json cannot be written" in caplog.text


async def test_a_port_that_somebody_else_has_refuses_the_start(home: Path) -> None:
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        message, changes = await start_error(home, child(home, "gateway", ports=(port,)))
    assert message == f"gateway: port {port} on 127.0.0.1 is used by another process: end that one first."
    assert State.STARTING not in {change.state for change in changes}


async def test_a_killed_child_is_restarted_and_nobody_else_is(home: Path) -> None:
    async with up(home, child(home, "crm"), child(home, "console", after=("crm",))) as watched:
        await watched.until("console", State.READY)
        killed, console = watched.pid("crm"), watched.pid("console")
        os.kill(killed, signal.SIGKILL)
        assert (await watched.until("crm", State.RESTARTING)).detail == "SIGKILL; starts again in 0.005 s"
        await watched.until("crm", State.READY)
        assert watched.pid("crm") not in (0, killed)
        assert watched.pid("console") == console
        assert [one.restarts for one in watched.supervisor.state().children] == [1, 0]


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_steady_life() -> None:
    deaths = Deaths(Timing())
    lived = [0.0, 14.0, 59.9, 59.9, 59.9, 59.9, 59.9, 60.0, 0.0]
    pauses = [deaths.pause_seconds(now=30.0 * number, lived_seconds=life) for number, life in enumerate(lived)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 0.2, 0.4]


@pytest.mark.parametrize(("apart_seconds", "last"), [(14.9, None), (15.0, 3.2)])
def test_the_fifth_death_in_a_minute_is_the_last(apart_seconds: float, last: float | None) -> None:
    deaths = Deaths(Timing())
    pauses = [deaths.pause_seconds(now=apart_seconds * number, lived_seconds=1.0) for number in range(5)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, last]


async def crash(watched: Watched, name: str) -> None:
    for _ in range(QUICK.deaths):
        await watched.until(name, State.READY)
        os.kill(watched.pid(name), signal.SIGKILL)


async def test_a_crash_loop_gives_up_and_the_others_go_on(home: Path) -> None:
    async with up(home, child(home, "models", essential=False), child(home, "crm")) as watched:
        crm = watched.pid("crm")
        await crash(watched, "models")
        assert "died 5 times" in (await watched.until("models", State.FAILED)).detail
        assert watched.pid("crm") == crm
        assert is_there(crm)
    assert (await watched.rest())[-1] == Change("crm", State.STOPPED, "SIGTERM")


async def test_a_crash_loop_of_an_essential_child_ends_everything(home: Path) -> None:
    supervisor = Supervisor(home, [child(home, "gateway"), child(home, "crm")], environment={}, timing=QUICK)
    watched = Watched(supervisor)
    async with asyncio.timeout(PATIENCE_SECONDS):
        running = asyncio.create_task(supervisor.run())
        await supervisor.all_ready.wait()
        crm = watched.pid("crm")
        await crash(watched, "gateway")
        with pytest.raises(ChildFailed, match="gateway: it died 5 times in a short time, last with SIGKILL"):
            await running
    assert not is_there(crm)


async def test_stop_after_a_child_was_killed_leaves_no_process(home: Path) -> None:
    # The pause is longer than the test: the child is dead when the end begins.
    timing = Timing(pause_seconds=PATIENCE_SECONDS * 2, pause_max_seconds=PATIENCE_SECONDS * 2)
    async with up(home, child(home, "crm"), child(home, "console"), timing=timing) as watched:
        pids = [watched.pid("crm"), watched.pid("console")]
        os.kill(pids[0], signal.SIGKILL)
        await watched.until("crm", State.RESTARTING)
    assert not any(is_there(pid) for pid in pids)
    assert {one.state for one in watched.supervisor.state().children} == {State.STOPPED}


async def test_workers_of_a_child_end_with_it(home: Path) -> None:
    async with up(home, touching(home, "gateway", PARENT_OF_A_STUBBORN_WORKER)) as watched:
        first = int((home / "gateway.up").read_text())
        (home / "gateway.up").unlink()
        os.kill(watched.pid("gateway"), signal.SIGKILL)
        await watched.until("gateway", State.RESTARTING)
        assert not is_there(first)
        await watched.until("gateway", State.READY)
        second = int((home / "gateway.up").read_text())
        assert is_there(second)
    assert not is_there(second)


@pytest.mark.parametrize("code", [STUBBORN, FREEZES_WHEN_ASKED_TO_END], ids=["stubborn", "frozen"])
async def test_a_child_that_does_not_end_is_killed_when_its_time_is_over(home: Path, code: str) -> None:
    async with up(home, touching(home, "crm", code, drain_seconds=0.1)) as watched:
        pid = watched.pid("crm")
    assert (await watched.rest())[-1] == Change("crm", State.STOPPED, "SIGKILL")
    assert not is_there(pid)


async def test_a_frozen_child_is_thawed_so_that_it_can_drain(home: Path) -> None:
    async with up(home, child(home, "crm", drain_seconds=PATIENCE_SECONDS * 2)) as watched:
        os.kill(watched.pid("crm"), signal.SIGSTOP)
    assert (await watched.rest())[-1] == Change("crm", State.STOPPED, "SIGTERM")


async def test_a_second_signal_ends_everything_at_once(home: Path) -> None:
    stubborn = touching(home, "crm", STUBBORN, after=("store",), drain_seconds=PATIENCE_SECONDS * 2)
    async with up(home, child(home, "store"), stubborn) as watched:
        pids = [watched.pid("crm"), watched.pid("store")]
        os.kill(os.getpid(), signal.SIGINT)
        await watched.until("crm", State.DRAINING)
        os.kill(os.getpid(), signal.SIGINT)
        assert (await watched.until("crm", State.STOPPED)).detail == "SIGKILL"
        assert (await watched.until("store", State.STOPPED)).detail == "SIGKILL"
    assert not any(is_there(pid) for pid in pids)


async def test_a_probe_that_breaks_leaves_no_process(home: Path) -> None:
    pids: list[int] = []

    async def broken() -> bool:
        pids.extend(one.pid for one in supervisor.state().children if one.pid)
        raise LookupError

    supervisor = Supervisor(home, [child(home, "crm", ready=broken), child(home, "b")], environment={}, timing=QUICK)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(ExceptionGroup):
            await supervisor.run()
    assert pids
    assert not any(is_there(pid) for pid in pids)


async def test_a_signal_during_the_start_ends_it(home: Path) -> None:
    supervisor = Supervisor(home, [child(home, "crm", ready=never)], environment={}, timing=QUICK)
    watched = Watched(supervisor)
    async with asyncio.timeout(PATIENCE_SECONDS):
        running = asyncio.create_task(supervisor.run())
        await watched.until("crm", State.STARTING)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
    assert (await watched.rest())[-1].state == State.STOPPED


async def test_a_cancelled_supervisor_leaves_no_process(home: Path) -> None:
    supervisor = Supervisor(home, [child(home, "crm")], environment={}, timing=QUICK)
    async with asyncio.timeout(PATIENCE_SECONDS):
        running = asyncio.create_task(supervisor.run())
        await supervisor.all_ready.wait()
        pid = Watched(supervisor).pid("crm")
        running.cancel()
        await asyncio.wait({running})
    assert running.cancelled()
    assert not is_there(pid)


async def test_a_second_supervisor_is_refused_and_told_what_to_do(home: Path) -> None:
    async with up(home, child(home, "crm")):
        with pytest.raises(HomeTaken, match=rf"process {os.getpid()}\)\. Use that one, or stop it"):
            await Supervisor(home, [child(home, "crm")], environment={}).run()
    async with up(home, child(home, "crm")):
        pass  # the home is free again


async def test_the_state_is_written_for_others(home: Path) -> None:
    assert homes.running(home) is None
    async with up(home, child(home, "crm", ports=(free(1)[0],))) as watched:
        state = homes.running(home)
        assert state == watched.supervisor.state()
        assert state is not None
        assert state.pid == os.getpid()
        (crm,) = state.children
        assert (crm.name, crm.state, crm.pid) == ("crm", State.READY, watched.pid("crm"))
        assert is_there(crm.pid)
    written = homes.read(home)
    assert written is not None
    assert [(one.state, one.pid) for one in written.children] == [(State.STOPPED, 0)]


def test_names_of_states_are_a_contract() -> None:
    assert [*State] == ["WAITING", "STARTING", "READY", "RESTARTING", "FAILED", "DRAINING", "STOPPED"]


async def test_a_child_gets_its_environment_and_nothing_else(home: Path) -> None:
    code = "touch(repr(sorted(os.environ.items()))); signal.pause()"
    one = touching(home, "crm", code, env={"PILOTE_B": "2"})
    supervisor = Supervisor(home, [one], environment={"PILOTE_A": "1", "LC_ALL": "C.UTF-8"}, timing=QUICK)
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await supervisor.all_ready.wait()
        supervisor.stop()
    assert (home / "crm.up").read_text() == "[('LC_ALL', 'C.UTF-8'), ('PILOTE_A', '1'), ('PILOTE_B', '2')]"


async def test_a_child_has_its_own_session_and_ignores_no_signal(home: Path) -> None:
    told = home / "crm.up"
    code = f"grep SigIgn /proc/self/status >{told}.new && mv {told}.new {told}; exec sleep 1000"
    async with up(home, Child(name="crm", command=("/bin/sh", "-c", code), ready=FileThere(told))) as watched:
        pid = watched.pid("crm")
        assert (os.getsid(pid), os.getpgid(pid)) == (pid, pid)
    assert told.read_text() == f"SigIgn:\t{0:016x}\n"


async def test_a_large_log_moves_aside_at_the_start(home: Path) -> None:
    (home / "logs").mkdir()
    (home / "logs" / "crm.log").write_text("old\n" * 100)
    code = "print('new', flush=True); touch(); signal.pause()"
    timing = Timing(poll_seconds=0.005, log_max_bytes=399)
    async with up(home, touching(home, "crm", code), timing=timing):
        pass
    assert (home / "logs" / "crm.log").read_text() == "new\n"
    assert (home / "logs" / "crm.log.1").read_text() == "old\n" * 100


@pytest.mark.parametrize(
    ("names", "after", "message"),
    [
        (("a", "a"), (), "two children have the same name"),
        (("a", "../b"), (), "'../b' cannot name a child"),
        (("a", "b"), ("c",), "b is to start after c, which is not there"),
        (("a", "b"), ("b",), "children wait for each other: b after b"),
    ],
)
def test_impossible_children_are_refused(
    home: Path, names: tuple[str, str], after: tuple[str, ...], message: str
) -> None:
    first, second = child(home, names[0]), child(home, names[1], after=after)
    with pytest.raises(ValueError, match=message):
        Supervisor(home, [first, second], environment={})


def popen(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@contextlib.asynccontextmanager
async def up_elsewhere(home: Path) -> AsyncIterator[subprocess.Popen[str]]:
    """A supervisor in a process of its own, on the loop this test runs on, with all children ready."""
    loop = "uvloop" if "uvloop" in type(asyncio.get_running_loop()).__module__ else "asyncio"
    command = [sys.executable, "-m", "tests.services.supervisor.run_supervisor", str(home), loop]
    with popen(*command) as supervisor:
        assert supervisor.stdout is not None
        try:
            assert await asyncio.to_thread(supervisor.stdout.readline) == "ready\n"
            yield supervisor
        finally:
            supervisor.kill()


def children_of(home: Path) -> dict[str, int]:
    """Process ids by name, as `up.json` tells."""
    state = homes.running(home)
    assert state is not None
    return {one.name: one.pid for one in state.children}


async def gone(*pids: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        for pid in pids:
            await process.gone(pid)


async def test_a_killed_supervisor_leaves_no_child_that_can_be_ended(home: Path) -> None:
    async with up_elsewhere(home) as supervisor:
        pids = children_of(home)
        supervisor.kill()
        await gone(pids["store"])
        assert homes.running(home) is None
        assert is_there(pids["stubborn"])
        os.killpg(pids["stubborn"], signal.SIGKILL)


async def test_what_a_killed_supervisor_left_is_ended_by_the_next_one(home: Path) -> None:
    async with up_elsewhere(home) as supervisor:
        former = children_of(home)
        # The socket's file stays, with nobody behind it.
        os.kill(former["store"], signal.SIGSTOP)
        supervisor.kill()
    async with up_elsewhere(home) as supervisor:
        assert not any(is_there(pid) for pid in former.values())
        async with Redis.from_url(redis_server.url_of(home / "redis")) as client:
            assert await client.ping()
        pids = children_of(home)
        supervisor.terminate()
        assert await asyncio.to_thread(supervisor.wait, PATIENCE_SECONDS) == 0
    assert not any(is_there(pid) for pid in pids.values())


async def test_everything_killed_at_once_does_not_hinder_the_next_start(home: Path) -> None:
    async with up_elsewhere(home) as supervisor:
        for pid in (supervisor.pid, *children_of(home).values()):
            os.kill(pid, signal.SIGKILL)
    assert (home / "redis" / "redis.sock").exists()
    async with up_elsewhere(home) as supervisor:
        supervisor.terminate()
        assert await asyncio.to_thread(supervisor.wait, PATIENCE_SECONDS) == 0


async def test_a_number_that_belongs_to_a_stranger_now_is_left_alone(home: Path) -> None:
    with popen("sleep", "1000") as stranger:
        stale = homes.ChildState(name="crm", pid=stranger.pid, born="an earlier boot/1")
        homes.write(home, homes.UpState(stranger.pid, "an earlier boot/1", (stale,)))
        assert homes.running(home) is None
        await homes.end_leftovers(home)
        assert stranger.poll() is None
        stranger.kill()


def test_a_command_whose_supervisor_died_before_the_leash_was_on_is_not_run() -> None:
    somebody_else = "1"
    command = [sys.executable, leash.__file__, somebody_else, "echo", "ran"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "the supervisor is gone\n")


async def test_grpc_probe_follows_the_health_service() -> None:
    server, servicer = grpc.aio.server(), health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    await servicer.set("a.B", health_pb2.HealthCheckResponse.SERVING)
    assert await GrpcServing(address)()
    assert await GrpcServing(address, "a.B")()
    assert not await GrpcServing(address, "a.C")()
    await servicer.enter_graceful_shutdown()
    assert not await GrpcServing(address)()
    await server.stop(0)
    assert not await GrpcServing(address)()


@pytest.mark.one_server
async def test_redis_probe_wants_an_answer(redis_url: str, home: Path) -> None:
    assert await RedisAnswers(redis_url)()
    assert not await RedisAnswers(redis_server.url_of(home))()


@pytest.mark.parametrize(
    ("answer", "ready"), [(b"HTTP/1.1 200 OK\r\n", True), (b"HTTP/1.1 503 No\r\n", False), (b"", False)]
)
async def test_http_probe_wants_200(answer: bytes, *, ready: bool) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()) == b"GET /healthz HTTP/1.1\r\n"
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await HttpOk(port, "/healthz")() is ready
    assert not await HttpOk(port, "/healthz")()
