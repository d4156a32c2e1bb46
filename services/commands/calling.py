"""`pilote call`: any method by JSON, with the contract taken from the server's own reflection."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from rich.console import Console

from gateway.ending import ended
from gateway.rpc.channels import channel_to
from gateway.rpc.reflected import files_of, pool_of
from gateway.rpc.status import reason_from, text_from
from gateway.rpc.writing import feed
from pilote.decision.v1 import decision_service_pb2, decision_service_pb2_grpc
from services.texts import say

Headers = Sequence[tuple[str, str]]


async def run(
    out: Console,
    err: Console,
    address: str,
    *,
    method: str,
    data: str,
    headers: Headers,
    evaluate: bool,
    language: str,
) -> int:
    """Make the call and print answers and trailers as JSON; returns the exit code."""
    headers = [*headers, ("accept-language", language)]
    async with channel_to(address) as channel:
        try:
            described = await _described(channel, method)
            requests = _requests(described, data)
            if evaluate:
                asked = decision_service_pb2.EvaluateCallRequest(method=method, request=requests[0].SerializeToString())
                return await _evaluate(out, channel, asked=asked, headers=headers)
            return await _call(out, err, channel, described=described, requests=requests, headers=headers)
        except (LookupError, ValueError) as error:
            err.print(str(error), markup=False, soft_wrap=True)
            return 2
        except grpc.aio.AioRpcError as error:
            text = text_from(error)
            if error.code() is grpc.StatusCode.UNAVAILABLE and "connect" in text:
                text = say("gateway-down", language=language, address=address)
            err.print(f"{error.code().name} {reason_from(error)}: {text}", markup=False, soft_wrap=True)
            return 1


async def _call(
    out: Console,
    err: Console,
    channel: grpc.aio.Channel,
    *,
    described: MethodDescriptor,
    requests: list[Message],
    headers: Headers,
) -> int:
    answer_class = message_factory.GetMessageClass(described.output_type)
    name = f"/{described.containing_service.full_name}/{described.name}"
    started: Any = channel.stream_stream(
        name,
        response_deserializer=answer_class.FromString,
    )

    async def encoded() -> AsyncIterator[bytes]:
        for request in requests:
            yield request.SerializeToString()

    call = started(metadata=list(headers), timeout=60)
    feeding = asyncio.create_task(feed(call, encoded()))
    code = 0
    try:
        async for answer in call:
            out.print(_json(answer), markup=False, soft_wrap=True)
    except grpc.aio.AioRpcError as error:
        err.print(f"{error.code().name} {reason_from(error)}: {text_from(error)}", markup=False, soft_wrap=True)
        code = 1
    finally:
        await ended(feeding)
    for key, value in await call.trailing_metadata() or ():
        if not key.endswith("-bin"):
            err.print(f"{key}: {value!s}", markup=False, soft_wrap=True)
    return code


async def _evaluate(
    out: Console, channel: grpc.aio.Channel, *, asked: decision_service_pb2.EvaluateCallRequest, headers: Headers
) -> int:
    stub = decision_service_pb2_grpc.DecisionServiceStub(channel)
    answer = await stub.EvaluateCall(asked, metadata=list(headers), timeout=10)
    for sentence in answer.explanation:
        out.print(sentence, markup=False, soft_wrap=True)
    return 0


def _requests(described: MethodDescriptor, data: str) -> list[Message]:
    """The messages that the JSON describes.

    Raises:
        ValueError: it is no JSON, or not of the method's request type.
    """
    message_class = message_factory.GetMessageClass(described.input_type)
    texts = [line for line in data.splitlines() if line.strip()] if described.client_streaming else [data]
    try:
        return [json_format.Parse(text, message_class()) for text in texts]
    except json_format.ParseError as error:
        raise ValueError(f"{described.input_type.full_name}: {error}") from error


def _json(message: Message) -> str:
    return json.dumps(json_format.MessageToDict(message), indent=2, ensure_ascii=False)


async def _described(channel: grpc.aio.Channel, method: str) -> MethodDescriptor:
    """The method's descriptor, from the server's reflection.

    Raises:
        LookupError: the server does not know it.
    """
    service, _, name = method.removeprefix("/").partition("/")
    pool = pool_of(await files_of(channel, (service,)))
    try:
        return pool.FindServiceByName(service).methods_by_name[name]
    except KeyError as error:
        raise LookupError(f"{service} has no method {name!r}: write it as /package.Service/Method.") from error
