"""To which step of a call a sampled stack belongs, and which share of the thread that decides each step has."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

STEPS: Final[Mapping[str, str]] = {
    "gather": r"gathering\.py|unhindered\.py",
    "gRPC by ASGI": r"rpc/asgi|rpc/framing\.py|^Hosted\.",
    "read the question": r"engine/(asking|questions)\.py",
    "look at Envoy's key": r"envoy/doors\.py",
    "answer Envoy": r"engine/(answering|carrying)\.py",
    "read the access log": r"access_log\.py|engine/carried\.py",
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
LOOP: Final = "the loop and what carries, in C"
"""What runs in that thread below no frame of ours."""
_START: Final = re.compile(r"<module>|services/|typer|gateway/rpc/serving\.py|asyncio/|uvloop/")


def step_of(stack: str) -> str:
    """The step of one stack of the thread that decides, its frames parted by semicolons, the outermost first."""
    frames = [frame for frame in stack.split(";") if not _START.search(frame) or frame.startswith("Hosted.")]
    for frame in reversed(frames):
        for step, known in STEPS.items():
            if re.search(known, frame):
                return step
    return REST if any("gateway/" in frame for frame in frames) else LOOP


def shares(lines: Iterable[str], *, tid: int) -> dict[str, float]:
    """Which share of a thread each step has, by py-spy's lines: thread, stack, a blank, and how often it was seen.

    Raises:
        ValueError: nothing was seen of that thread.
    """
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, times = line.rpartition(" ")
        thread, _, stack = stack.partition(";")
        if thread.startswith(f"thread ({tid})"):
            counted[step_of(stack)] += int(times)
    total = counted.total()
    if total == 0:
        raise ValueError("no sample of the thread that decides")
    return {step: counted[step] / total for step in (*STEPS, REST, LOOP)}
