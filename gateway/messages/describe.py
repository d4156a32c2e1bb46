"""Step 2: from a method's contract and the request's bytes to the `Call` that is decided upon."""

import re
from collections.abc import Mapping
from typing import Final

from gateway.core.call import Call, Operation
from gateway.core.campaigns import spelt
from gateway.core.contract import SUBJECT, TOKEN, MethodContract, read_none
from gateway.core.errors import invalid
from gateway.messages.contact_points import ContactPointUnclear, normalised

IDEMPOTENCY_HEADER: Final = "idempotency-key"
INFERENCE_HEADER: Final = "pilote-inference-id"
SESSION_HEADER: Final = "pilote-session-id"
CONVERSATION_HEADER: Final = "pilote-conversation"
MOST_TOPICS: Final = 10

_REQUEST_ID: Final = re.compile(r"[!-~]{1,128}")
# Neither an address nor a number fits: it stands in records and traces as it is.
_CONVERSATION: Final = re.compile(r"(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{8,128}")
_DECISION: Final = re.compile(r"(decisions/)?([0-9a-f]{32})")


def describe(contract: MethodContract, request: bytes, *, metadata: Mapping[str, str | bytes]) -> Call:
    """What the call asks, read from its message and its metadata.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field, when the message is malformed, too large, or says something that
            cannot be governed.
    """
    if len(request) > contract.max_message_bytes:
        text = f"The message has {len(request)} bytes; at most {contract.max_message_bytes} are taken."
        raise invalid("(message)", text)
    try:
        message = contract.decode(request)
    except ValueError as error:
        raise invalid("(message)", "The message is malformed: send it as the method's contract says.") from error
    said = contract.read(message)
    contact = contract.operation is Operation.CONTACT
    channel = said.channel.strip().lower()
    led = _text(metadata, INFERENCE_HEADER)
    request_id = _text(metadata, IDEMPOTENCY_HEADER) or said.request_id
    session = said.session or _text(metadata, SESSION_HEADER)
    conversation = _text(metadata, CONVERSATION_HEADER)
    if conversation and not _CONVERSATION.fullmatch(conversation):
        text = "must be 8 to 128 letters, digits, '-' and '_', with a letter among them"
        raise invalid(CONVERSATION_HEADER, f"{CONVERSATION_HEADER} {text}.")
    return Call(
        method=contract.method,
        operation=contract.operation,
        request=message,
        request_bytes=len(request),
        subject=_checked(said.subject, SUBJECT, field=contract.subject_path, required=contact),
        channel=_checked(channel, TOKEN, field=contract.channel_path or "channel", required=contact),
        category=_token(said.category, "category") if said.category else "",
        brand=_token(said.brand, "brand") if said.brand else "",
        campaign=spelt(said.campaign) if said.campaign else "",
        topics=_topics(contract.topics(message)) if contract.topics is not read_none else (),
        model=said.model,
        model_version=said.model_version,
        request_id=_checked(request_id, _REQUEST_ID, field=IDEMPOTENCY_HEADER, required=False),
        identity=_identity(said.identity) if said.identity else "",
        inference=_inference(led) if led else "",
        purpose=_token(said.purpose, "purpose") if contact and said.purpose else "",
        contact_point=_contact_point(contract, said.contact_point, channel=channel)
        if contact and said.contact_point
        else "",
        session=_checked(
            session, SUBJECT, field=contract.session_path if said.session else SESSION_HEADER, required=False
        )
        if session
        else "",
        conversation=conversation,
    )


def _inference(text: str) -> str:
    named = _DECISION.fullmatch(text)
    if named is None:
        raise invalid(INFERENCE_HEADER, f"{INFERENCE_HEADER} must be the decision id of an inference.")
    return "" if named[2] == "0" * 32 else named[2]


def _identity(text: str) -> str:
    """The e-mail address or telephone number in its one spelling; what is neither identifies nobody."""
    try:
        return normalised(text, channel="email" if "@" in text else "phone")
    except ContactPointUnclear:
        return ""


def _token(text: str, field: str) -> str:
    return _checked(text.strip().lower(), TOKEN, field=field, required=False)


def _topics(texts: tuple[str, ...]) -> tuple[str, ...]:
    if len(texts) > MOST_TOPICS:
        raise invalid("topics", f"topics has {len(texts)} entries; at most {MOST_TOPICS} are taken.")
    return tuple([_checked(text.strip().lower(), TOKEN, field="topics", required=True) for text in texts])


def _contact_point(contract: MethodContract, text: str, *, channel: str) -> str:
    try:
        return normalised(text, channel=channel)
    except ContactPointUnclear as error:
        field = contract.contact_point_path
        raise invalid(field, f"{field} {error}.") from error


def _checked(value: str, pattern: re.Pattern[str], *, field: str, required: bool) -> str:
    if not value and not required:
        return ""
    if pattern.fullmatch(value):  # "$" would let a newline at the end through, and so open a second bucket
        return value
    if not value:
        raise invalid(field, f"{field} is required: say whom or how the call reaches.")
    raise invalid(field, f"{field} has characters or a length that cannot be governed.")


def _text(metadata: Mapping[str, str | bytes], name: str) -> str:
    value = metadata.get(name, "")
    return value if isinstance(value, str) else ""
