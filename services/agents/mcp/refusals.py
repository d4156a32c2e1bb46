"""Refusals as a model can act on them: the reason in words, what to do next, and the same for programs. Pure."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from services.agents.failures import of_refusal
from services.agents.mcp import texts

_UNSAID: Final = frozenset({"hold"})
"""What is told by a name of its own."""


def refusal_of(error: grpc.aio.AioRpcError, *, language: str, now_ms: int) -> tuple[str, dict[str, Any]]:
    """Text and structure of a call that the gateway, or who answers behind it, has refused. Times are UTC."""
    status = of_refusal(error, language=language).status
    found = _Details(status)
    code = str(code_pb2.Code.Name(status.code)) if status.code in code_pb2.Code.values() else "UNKNOWN"
    structure: dict[str, Any] = {"code": code, "reason": found.info.reason or code, "message": found.text}
    told = [found.text]
    told += [f"{each['at']}: {each['problem']}" for each in found.problems if each["problem"] not in found.text]
    hold = found.info.metadata.get("hold", "")
    name = hold if hold.startswith("holds/") or not hold else f"holds/{hold}"
    if hold:
        structure["hold"] = name
        steps = [texts.held(name, language=language)]
    else:
        steps = [texts.next_step(found.info.reason, code=code, language=language)]
    if found.retry_ms is not None:
        earliest = dt.datetime.fromtimestamp((now_ms + found.retry_ms + 999) // 1000, dt.UTC)
        structure["retry_after_seconds"] = (found.retry_ms + 999) // 1000
        structure["earliest_time"] = earliest.strftime("%Y-%m-%dT%H:%M:%SZ")
        if not hold:
            steps.append(texts.wait(structure["earliest_time"], found.retry_ms, language=language))
    structure["next_step"] = " ".join(steps)
    if found.problems:
        structure["problems"] = found.problems
    if metadata := {key: value for key, value in found.info.metadata.items() if key not in _UNSAID}:
        structure["metadata"] = metadata
    if decision := _trailer(error, "pilote-decision-id"):
        structure["decision"] = f"decisions/{decision}"
    return "\n".join([*told, *steps]), {"error": structure}


def invalid(problem: str, *, language: str) -> tuple[str, dict[str, Any]]:
    """The same of arguments that are no such message: the gateway is not asked."""
    text = texts.said("invalid", language=language, problem=problem)
    step = texts.next_step("ARGUMENT_INVALID", code="", language=language)
    error = {"code": "INVALID_ARGUMENT", "reason": "ARGUMENT_INVALID", "message": text, "next_step": step}
    return f"{text}\n{step}", {"error": error}


class _Details:
    """The details of a status, each looked for once."""

    def __init__(self, status: status_pb2.Status) -> None:
        self.info = error_details_pb2.ErrorInfo()
        self.text = status.message
        self.retry_ms: int | None = None
        self.problems: list[Mapping[str, str]] = []
        for detail in status.details:
            try:
                self._read(detail)
            except DecodeError:  # a foreign upstream's own
                continue

    def _read(self, detail: Any) -> None:
        localized, retry = error_details_pb2.LocalizedMessage(), error_details_pb2.RetryInfo()
        bad, quota = error_details_pb2.BadRequest(), error_details_pb2.QuotaFailure()
        precondition = error_details_pb2.PreconditionFailure()
        if detail.Unpack(self.info):
            return
        if detail.Unpack(localized):
            self.text = localized.message
        elif detail.Unpack(retry):
            self.retry_ms = max(0, retry.retry_delay.ToMilliseconds())
        elif detail.Unpack(bad):
            self.problems += [{"at": each.field, "problem": each.description} for each in bad.field_violations]
        elif detail.Unpack(quota):
            self.problems += [{"at": each.subject, "problem": each.description} for each in quota.violations]
        elif detail.Unpack(precondition):
            self.problems += [{"at": each.subject, "problem": each.description} for each in precondition.violations]


def _trailer(error: grpc.aio.AioRpcError, name: str) -> str:
    return next((str(value) for key, value in tuple(error.trailing_metadata() or ()) if key == name), "")
