"""What spans and log lines say of a call or of a copy. Bounded values only: no subject, request text or credential."""

import msgspec

from gateway.callrun import CallRun
from gateway.copies.shadowing import Copied
from gateway.core.call import Operation
from gateway.records.call_records import status_name, steps_of
from gateway.refusal import Kept
from gateway.watching import semconv
from gateway.watching.tracing import Attributes


def name_of(run: CallRun) -> str:
    """The span's name: the method where somebody has described it. Any other is the caller's own text."""
    return run.known_method.removeprefix("/") or semconv.GRPC


def verdict_of(run: CallRun) -> str:
    """What was said to the call."""
    if run.outcome is not None and run.outcome.granted:
        return "ALLOW"
    return run.ended.plan.verdict.value if isinstance(run.ended, Kept) else "DENY"


def attributes_of(run: CallRun) -> Attributes:
    """What a call was and what became of it."""
    status = status_name(run.ended)
    attributes: Attributes = {
        semconv.RPC_SYSTEM: semconv.GRPC,
        semconv.RPC_METHOD: run.known_method.removeprefix("/") or semconv.OTHER,
        semconv.RPC_STATUS: status,
        "pilote.decision": run.id,
        "pilote.verdict": verdict_of(run),
        "pilote.upstream_us": run.upstream_us,
    }
    if run.ended is not None:
        attributes[semconv.ERROR_TYPE] = status
    if run.agent is not None:
        attributes["pilote.tenant"] = run.agent.tenant
        attributes["pilote.agent"] = run.agent.name
    if run.revision is not None:
        attributes["pilote.revision"] = run.revision.number
    if run.policy is not None:
        attributes["pilote.operation"] = run.policy.contract.operation.value
    if run.reason:
        attributes["pilote.reason"] = run.reason
    if run.route.name:
        attributes["pilote.route"] = run.route.name
        attributes["pilote.version"] = run.route.version
        attributes["pilote.upstream"] = run.route.upstream
        attributes |= _tried(run)
    attributes |= _generative(run) | _steps(run)
    if run.decision is not None and run.decision.looks:
        attributes["pilote.rules"] = tuple([look.rule for look in run.decision.looks])
    if run.parent:
        attributes["pilote.parent"] = run.parent
    return attributes


def attributes_of_copy(copy: Copied) -> Attributes:
    """What a copy of a call was and what became of it."""
    result = copy.result
    attributes: Attributes = {
        semconv.RPC_SYSTEM: semconv.GRPC,
        semconv.RPC_METHOD: copy.method.removeprefix("/"),
        "pilote.decision": result.id,
        "pilote.tenant": copy.tenant,
        "pilote.copy": result.kind,
        "pilote.copy.end": result.end.value,
        "pilote.copy.differences": len(result.differences) + result.more,
        "pilote.route": result.route,
        "pilote.arm": result.arm,
        "pilote.version": result.version,
        "pilote.upstream": result.upstream,
        "pilote.revision": result.revision,
    }
    if result.status:
        attributes[semconv.RPC_STATUS] = result.status
    return attributes


def _tried(run: CallRun) -> Attributes:
    """Which arm served a call, in place of which one, and what was tried."""
    attributes: Attributes = {"pilote.arm": run.route.arm}
    if run.assigned is not None:
        attributes["pilote.assigned_arm"] = run.assigned.route.arm
    if run.attempts:
        tries = [f"{tried.why or 'first'} {tried.arm} {tried.status}" for tried in run.attempts]
        attributes["pilote.attempts"] = tuple(tries)
    return attributes


def _steps(run: CallRun) -> Attributes:
    """How long the steps took that the call came to, in microseconds."""
    if not run.begun:
        return {}
    taken = msgspec.structs.asdict(steps_of(run))
    return {f"pilote.{name}": micros for name, micros in taken.items() if micros}


def _generative(run: CallRun) -> Attributes:
    """What the conventions for generative AI have of a call: of an action only in which conversation it was."""
    attributes: Attributes = {}
    if run.call is not None and run.call.conversation:
        attributes[semconv.GEN_AI_CONVERSATION] = run.call.conversation
    if run.policy is not None and run.policy.contract.operation is Operation.INFER:
        attributes |= _inference(run)
    return attributes


def _inference(run: CallRun) -> Attributes:
    attributes: Attributes = {semconv.GEN_AI_OPERATION: semconv.OPERATIONS.get(run.incoming.method, semconv.INFERENCE)}
    if run.call is not None and run.call.model:
        attributes[semconv.GEN_AI_MODEL] = run.call.model[:63]
    if run.upstream is not None and (provider := semconv.PROVIDERS.get(run.upstream.kind)) is not None:
        attributes[semconv.GEN_AI_PROVIDER] = provider
    if run.streaming:
        attributes[semconv.GEN_AI_STREAM] = True
    if run.routed.target is not None and run.routed.target.prompt:
        attributes[semconv.GEN_AI_PROMPT] = run.routed.target.prompt
    if run.served:
        attributes[semconv.GEN_AI_ANSWERED] = run.served
    if run.usage is not None:
        attributes[semconv.GEN_AI_INPUT_TOKENS] = run.usage.input
        attributes[semconv.GEN_AI_OUTPUT_TOKENS] = run.usage.output
        attributes |= _details(run)
    return attributes


def _details(run: CallRun) -> Attributes:
    """What is said only where there is any."""
    assert run.usage is not None  # noqa: S101 - who asks has looked
    parts = {semconv.GEN_AI_CACHED_TOKENS: run.usage.cached, semconv.GEN_AI_REASONING_TOKENS: run.usage.reasoning}
    return {name: count for name, count in parts.items() if count}
