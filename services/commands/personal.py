"""Asks the control plane for what a call was decided by, signed by whoever asks."""

import http.client
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.clock import clock_ms
from gateway.rpc.channels import client_context
from gateway.signing import Signer
from pilote.audit.v1 import personal_pb2
from services.commands.personal_texts import say
from services.control.access.asking import header, to_sign

ANSWER_SECONDS = 30.0


class Refused(Exception):
    """The control plane says no, in words."""


class Value(msgspec.Struct, frozen=True):
    """One value."""

    name: str
    value: Any


class Shown(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of the values of a decision."""

    state: str
    values: tuple[Value, ...] = ()
    more: int = 0


class _Problem(msgspec.Struct, frozen=True):
    detail: str = ""


def read_values(address: str, decision: str, *, person: str, signer: Signer, reason: str, language: str) -> Shown:
    """What a call was decided by; `decision` is an id or a name.

    Raises:
        OSError: the control plane does not answer.
        Refused: it says no.
    """
    target = f"/v1/decisions/{decision.removeprefix('decisions/')}/values"
    body = msgspec.json.encode({"reason": reason})
    created_ms = clock_ms()
    signature = signer.sign(to_sign("POST", target, body, created_ms=created_ms))
    headers = {
        "authorization": header(person, signature, created_ms=created_ms),
        "content-type": "application/json",
        "accept-language": language,
    }
    context = client_context()
    connection: http.client.HTTPConnection
    if context is None:
        connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)
    else:
        connection = http.client.HTTPSConnection(address, timeout=ANSWER_SECONDS, context=context)
    try:
        connection.request("POST", target, body=body, headers=headers)
        response = connection.getresponse()
        said = response.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    try:
        if response.status != http.client.OK:
            raise Refused(msgspec.json.decode(said, type=_Problem).detail or str(response.status))
        return msgspec.json.decode(said, type=Shown)
    except msgspec.DecodeError as error:
        raise Refused(str(response.status)) from error


def note_rows(notes: Iterable[personal_pb2.Note], *, language: str) -> tuple[tuple[str, ...], ...]:
    """The log's own entries as a table."""
    head = tuple(say("notes-columns", language=language).split("|"))
    known = {kind: say(f"note-{kind}", language=language) for kind in ("erasure", "access", "change")}
    rows = [
        (
            *(each.note_time.ToJsonString(), _what(each, known), each.person, each.reason, each.tenant),
            each.decision or each.subject_ref or each.resource,
        )
        for each in notes
    ]
    return (head, *rows)


def _what(note: personal_pb2.Note, known: Mapping[str, str]) -> str:
    """What was done: of a change with the operation, and whether it was not done."""
    word = known.get(note.kind, note.kind)
    if not note.HasField("change"):
        return word
    return " ".join(part for part in (f"{word}:", note.change.operation, note.change.failure) if part)


def lines(shown: Shown, *, language: str) -> list[str]:
    """What to print of it; nothing where the explanation says already that it is gone."""
    if shown.state == "NONE":
        return [say("values-none", language=language)]
    if shown.state != "SEALED":
        return []
    told = [say("values-head", language=language)]
    told += [f"  {each.name} = {msgspec.json.encode(each.value).decode()}" for each in shown.values]
    return told + [say("values-more", language=language, count=shown.more)] * bool(shown.more)
