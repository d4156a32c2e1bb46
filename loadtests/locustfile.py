"""Load on any gateway: `locust -f loadtests/locustfile.py --scenario steady --gateway HOST:PORT --keys FILE`.

Agents call by gRPC, REST and MCP what the demonstration's agents call, in an open loop, while a scenario says how much.
Calls are counted by verdict, across workers; the end table, the HTML report and the CSV show them, and thresholds make
the run fail. `loadtests/LOAD.md` has the scenarios, more commands and what was measured.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from locust import LoadTestShape, User, constant, events, task  # first: it makes waits gevent's

# isort: split
import gevent
import grpc.experimental.gevent
from gevent.pool import Pool

from loadtests.locusts import ending, options
from loadtests.locusts.acting import ActFailed, ask
from loadtests.locusts.arrivals import arrivals
from loadtests.locusts.course import Course
from loadtests.locusts.mix import NOISY
from loadtests.locusts.scenarios import Phase, index_at, users

grpc.experimental.gevent.init_gevent()

MOST_RUNNING: Final = 1_000
"""Calls of one user that may be under way. Where there are more, the next is made late, and counts from its start."""
PHASE: Final = "pilote-phase"
NOISY_USERS: Final = 4
_course: Course


class Calling(User):
    """Calls in an open loop, at `--pace`, each call from a wait of its own."""

    abstract = True
    wait_time = constant(0)
    door = ""

    def on_start(self) -> None:
        """Begin a row of calls of its own."""
        self.draw = _course.draw()
        self.mix = _course.mix(self.draw)
        self._running = Pool(MOST_RUNNING)
        self._due: Iterator[float] | None = None

    def pace(self, phase: Phase) -> float:
        """Calls a second just now."""
        return _course.options.pace if phase.load else 0.0

    @task
    def next_call(self) -> None:
        """Wait until the next call is due, and let it be made."""
        phase = _course.phase
        pace = self.pace(phase) if phase is not None else 0.0
        if phase is None or not pace:
            self._due = None
            gevent.sleep(0.05)
            return
        if self._due is None:
            told = _course.options
            self._due = arrivals(pace, start=time.perf_counter(), spacing=told.spacing, draw=self.draw)
        due = next(self._due)
        while (wait := due - time.perf_counter()) > 0:
            gevent.sleep(min(wait, 0.25))
            now = _course.phase
            if now is None or not self.pace(now):
                return
        self._running.spawn(self._call, (_course.phase or phase).name, due)

    def _call(self, phase: str, due: float) -> None:
        call = self.mix.next(streams=self.door == "gRPC")
        self.make(call, phase=phase, due=due)

    def make(self, call: Any, *, phase: str, due: float) -> None:
        """Make a call, and tell Locust of it; only what no policy wanted is a failure."""
        answer, ms = _course.made(call, door=self.door, phase=phase, due=due, draw=self.draw)
        failed = RuntimeError(answer.why) if answer.verdict == "ERROR" else None
        self.environment.events.request.fire(
            request_type=self.door, name=call.short, response_time=ms, response_length=0, exception=failed, context={}
        )


class GrpcAgent(Calling):
    """By gRPC."""

    weight = 6
    door = "gRPC"


class RestAgent(Calling):
    """By REST."""

    weight = 2
    door = "REST"


class McpAgent(Calling):
    """By MCP."""

    weight = 2
    door = "MCP"


class NoisyAgent(Calling):
    """Reads by gRPC far more than it may, while the scenario wants noise."""

    fixed_count = NOISY_USERS
    door = "gRPC"

    def pace(self, phase: Phase) -> float:
        """Its part of the noise."""
        return phase.noise * _course.options.rate / NOISY_USERS

    def _call(self, phase: str, due: float) -> None:
        self.make(self.mix.of("read", agent=NOISY), phase=phase, due=due)


class ScenarioShape(LoadTestShape):
    """As many users as the scenario wants at this time; begins its phases."""

    def tick(self) -> tuple[int, float] | None:
        """How many users, and all at once; `None` once it is over."""
        told = _course.options
        index = index_at(told.scenario, time.perf_counter() - self.start_time)
        if index is None:
            return None
        if index != _course.index:
            self._begin(index)
        phase = told.scenario.phases[index]
        # None leaves for a pause: those who stay make no calls.
        count = users(phase.load or 1.0, rate=told.rate, pace=told.pace)
        count += NOISY_USERS if told.scenario.noisy else 0
        return count, float(count)

    def _begin(self, index: int) -> None:
        assert self.runner is not None  # noqa: S101 - Locust sets it before it asks
        if index == 0:
            _course.begun_at = time.time()
        act = _course.options.scenario.phases[index].act
        _course.index = index
        self.runner.send_message(PHASE, {"index": index})
        if act and _course.options.control is not None:
            ending.acting.append(gevent.spawn(_act, act))


def _act(act: str) -> None:
    control = _course.options.control
    assert control is not None  # noqa: S101 - options are checked for it
    try:
        _course.figures.update(ask(control, act))
    except ActFailed as error:
        _course.problems.append(str(error))


def _options(parser: Any) -> None:
    options.add_to(parser)


def _begin(environment: Any, runner: Any, **_: Any) -> None:
    global _course  # noqa: PLW0603 - Locust makes users by their class alone
    try:
        _course = Course(options.checked(environment.parsed_options))
    except options.OptionsWrong as wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.exit(2)
    if not any(map(str.isdigit, environment.host or "")):
        environment.host = ", ".join(_course.options.gateways)
    out: set[type[User]] = set() if _course.options.scenario.noisy else {NoisyAgent}
    out |= set() if _course.options.front else {RestAgent, McpAgent}
    environment.user_classes[:] = [each for each in environment.user_classes if each not in out]
    runner.register_message(PHASE, _enter)


def _enter(environment: Any, msg: Any, **_: Any) -> None:
    _course.index = int(msg.data["index"])
    _course.worker = max(0, getattr(environment.runner, "worker_index", 0))


def _report(client_id: str, data: Any) -> None:  # noqa: ARG001 - Locust names them
    data["pilote"] = _course.tally.taken()


def _reported(client_id: str, data: Any) -> None:  # noqa: ARG001
    _course.tally.merge(data["pilote"])


def _end(environment: Any, **_: Any) -> None:
    told = environment.parsed_options
    if not told.worker:
        html = Path(told.html_file) if told.html_file else None
        shown = ending.ended(_course, html=html, csv_prefix=told.csv_prefix or "")
        environment.process_exit_code = shown.code
        # Locust's own tables come first.
        _events.quit.add_listener(lambda **_: sys.stdout.write(shown.text))
    _course.close()


_events: Final[Any] = events  # without types
_events.init_command_line_parser.add_listener(_options)
_events.init.add_listener(_begin)
_events.report_to_master.add_listener(_report)
_events.worker_report.add_listener(_reported)
_events.quitting.add_listener(_end)
