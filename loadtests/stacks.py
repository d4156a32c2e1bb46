"""To which step of a call a sampled stack belongs, and which share of the loop's thread each step has."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

STEPS: Final[Mapping[str, str]] = {
    "gather": r"gathering\.py",
    "begin": r"Proxy\._begin|Proxy\._run|Incoming\.of|CallRun\.__init__|trace_context\.py",
    "identify": r"Pipeline\._who|Pipeline\._caller|adapters/identity\.py",
    "describe": r"\bdescribed? \(|pseudonymous|messages/",
    "route": r"core/routing\.py|core/assignment\.py|Routing",
    "facts": r"Pipeline\._facts_of|adapters/facts\.py",
    "decide": r"\bunrouted \(|\bdecided? \(|core/(decide|conditions|rules)\.py",
    "seal what was read": r"records/recording_values\.py|subject_keys\.py|core/used\.py",
    "record": r"\brecord_of \(|\bwritten \(",
    "admit": r"Taking\.|Admission\.admit|adapters/(reservation|recent)\.py",
    "settle": r"Pipeline\.settle|Admission\.(settle|_flush|_write_all|_queue)|settlement_of",
    "forward": r"Forwarding\.|upstream/|adapters/upstreams\.py|grpc/aio/",
    "answer": r"trailers\.py|redacted_reply",
    "watch": r"watching/|Watch\.",
    "store's connection": r"redis_connection\.py|redis_cluster\.py",
}
"""By which frame each is known, by function and file as py-spy writes them; the innermost one that is known counts."""
REST: Final = "rest of the pipeline"
LOOP: Final = "gRPC and the loop, in C"
"""What runs in the loop's thread below no frame of Python."""
_IN_LOOP: Final = re.compile(r"Runner\.run|uvloop/__init__\.py")
_START: Final = re.compile(r"<module>|services/|typer|gateway/rpc/serving\.py|asyncio/|uvloop/")
_ELSEWHERE: Final = re.compile(r"threading\.py|opentelemetry|trace_encoder|_shared_internal|concurrent/futures")


def step_of(stack: str) -> str | None:
    """The step of one stack, its frames parted by semicolons, the outermost first; `None`: it is another thread's."""
    if _ELSEWHERE.search(stack):
        return None
    frames = [frame for frame in stack.split(";") if not _START.search(frame)]
    for frame in reversed(frames):
        for step, known in STEPS.items():
            if re.search(known, frame):
                return step
    if any("gateway/" in frame for frame in frames):
        return REST
    return LOOP if _IN_LOOP.search(stack) else None


def shares(lines: Iterable[str]) -> dict[str, float]:
    """Which share of the loop's thread each step has, by py-spy's lines: a stack, a blank, and how often it was seen.

    Raises:
        ValueError: nothing was seen of that thread.
    """
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, times = line.rpartition(" ")
        step = step_of(stack)
        if step is not None:
            counted[step] += int(times)
    total = counted.total()
    if total == 0:
        raise ValueError("no sample of the loop's thread")
    return {step: counted[step] / total for step in (*STEPS, REST, LOOP)}
