"""What a server says of its contracts by reflection: `pilote call` and the agents' front know methods by it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

TIMEOUT_SECONDS = 10.0
"""Longest wait for all that a server has to say."""


async def service_names(channel: grpc.aio.Channel) -> tuple[str, ...]:
    """Full names of the services that the server shows, in its order.

    Raises:
        grpc.aio.AioRpcError: the server does not answer.
    """
    answers = await _asked(channel, [reflection_pb2.ServerReflectionRequest(list_services="")], following=False)
    return tuple(service.name for answer in answers for service in answer.list_services_response.service)


async def files_of(channel: grpc.aio.Channel, symbols: Sequence[str]) -> tuple[descriptor_pb2.FileDescriptorProto, ...]:
    """The files that define these symbols and all they import, imports first. A symbol nobody knows adds nothing.

    Raises:
        grpc.aio.AioRpcError: the server does not answer.
    """
    if not symbols:
        return ()
    asked = [reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol) for symbol in symbols]
    found: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for answer in await _asked(channel, asked, following=True):
        for blob in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(blob)
            found[file.name] = file
    return _in_order(found)


def pool_of(files: Sequence[descriptor_pb2.FileDescriptorProto]) -> descriptor_pool.DescriptorPool:
    """A pool of their own with these files, which come imports first."""
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return pool


async def _asked(channel: grpc.aio.Channel, asked: Sequence[Any], *, following: bool) -> list[Any]:
    """The answers to these questions and, where `following`, to those for all files that are imported."""
    open_questions = asyncio.Queue[Any]()
    for question in asked:
        open_questions.put_nowait(question)
    waiting = len(asked)
    wanted: set[str] = set()

    async def questions() -> AsyncIterator[Any]:
        while (question := await open_questions.get()) is not None:
            yield question

    answers: list[Any] = []
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    async for answer in stub.ServerReflectionInfo(questions(), timeout=TIMEOUT_SECONDS):
        answers.append(answer)
        waiting -= 1
        for name in _imports(answer) if following else ():
            if name not in wanted:
                wanted.add(name)
                waiting += 1
                open_questions.put_nowait(reflection_pb2.ServerReflectionRequest(file_by_filename=name))
        if not waiting:
            open_questions.put_nowait(None)
    return answers


def _imports(answer: Any) -> list[str]:
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(blob)
        for blob in answer.file_descriptor_response.file_descriptor_proto
    ]
    here = {file.name for file in files}
    return [name for file in files for name in file.dependency if name not in here]


def _in_order(
    files: dict[str, descriptor_pb2.FileDescriptorProto],
) -> tuple[descriptor_pb2.FileDescriptorProto, ...]:
    ordered: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(name: str) -> None:
        if name in ordered or name not in files:
            return
        for dependency in files[name].dependency:
            add(dependency)
        ordered[name] = files[name]

    for name in files:
        add(name)
    return tuple(ordered.values())
