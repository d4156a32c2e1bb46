"""The script by which Envoy ends carried calls in the gateway's words: `ending.lua`, and the words it needs."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import grpc

from gateway import refusal
from gateway.adapters.upstreams import TEXTS
from gateway.core.errors import CallEnded, Reason
from gateway.rpc.framing import percent
from gateway.rpc.status import SAID_NO, code_of, status_of

_SCRIPT: Final = Path(__file__).with_name("ending.lua")
_REASONS: Final = (
    *(Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_FAILED, Reason.DEADLINE_EXCEEDED),
    *(Reason.UPSTREAM_IN_DOUBT, Reason.DRAINING),
)
_TEXTS: Final = TEXTS | {Reason.DRAINING: "This process starts or is about to stop; retry."}


def script(key: str) -> str:
    """The whole script, in Lua; `key`: by which an answer is known that says itself all that is to be said."""
    said = {reason.value: words(reason) for reason in _REASONS}
    names = {str(code.value[0]): code.name for code in grpc.StatusCode}
    said_no = ", ".join(f'["{code.value[0]}"] = true' for code in sorted(SAID_NO, key=lambda code: code.value[0]))
    told = ",\n  ".join(f"{reason} = {_table(each)}" for reason, each in said.items())
    tables = f"local WORDS = {{\n  {told}\n}}\nlocal SAID_NO = {{ {said_no} }}\nlocal NAMES = {_table(names)}\n"
    tables += f'local KEY = "{key}"\n'
    return tables + _SCRIPT.read_text(encoding="utf-8")


def words(reason: Reason) -> Mapping[str, str]:
    """How Envoy ends a call for that reason: "status" and "message" in gRPC's headers, details in both languages."""
    english = CallEnded(reason, _TEXTS[reason])
    french = refusal.in_language(CallEnded(reason, english.message), "fr")
    return {
        "status": str(code_of(reason).value[0]),
        "message": percent(english.message),
        "english": _details(english),
        "french": _details(french),
    }


def _details(ended: CallEnded) -> str:
    return base64.b64encode(status_of(ended).SerializeToString()).decode().rstrip("=")


def _table(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f'["{key}"] = "{_escaped(value)}"' for key, value in values.items()) + " }"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
