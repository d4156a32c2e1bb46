"""What the chapter of the client kit shows runs as it stands there."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from pilote import client as pilote
from pilote.client import aio
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from tests.chapters import chapter
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import allow_all, cap, key_of, policy
from tests.e2e.requests import ADA, send
from tests.e2e.waiting import eventually
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream, answering

ARGUMENTS = {"contact": ADA, "body": "Dear Ada"}
SENT = SendMessageResponse(message=Message(name="messages/m-1"))


def example(world: World, *, marked: str) -> Any:
    """The one example with those words, compiled, for this gateway."""
    found = [each for each in re.findall(r"```python\n(.*?)```", chapter("protos/kit"), re.DOTALL) if marked in each]
    assert len(found) == 1
    return compile(found[0].replace("127.0.0.1:50051", f"127.0.0.1:{world.gateways[0].port}"), marked, "exec")


async def test_the_example_of_plain_python_waits_for_a_person_and_has_the_answer(
    world: World, upstream: FakeUpstream
) -> None:
    upstream.behave = answering(SENT.SerializeToString())
    await world.publish(policy(upstream.address, rules=[allow_all(), HOLD_CONTACTS]))
    names: dict[str, Any] = {"KEY": key_of("sales-bot"), "request": send()}
    running = asyncio.ensure_future(asyncio.to_thread(exec, example(world, marked="wait_for_hold"), names))

    async def held() -> str | None:
        return next((each.record.id for each in (await world.kept()).values()), None)

    decision = await eventually(held, what="a hold")
    assert await Desk(world).decide(decision)
    await running
    assert names["answer"] == SENT
    assert names["noted"].decisions[0] == decision


async def test_langgraph_gives_its_model_the_answer_or_what_to_do_instead(world: World, upstream: FakeUpstream) -> None:
    from langchain_core.messages import AIMessage
    from langgraph.graph import END, START, MessagesState, StateGraph

    made = pilote.Pilote(f"127.0.0.1:{world.gateways[0].port}", key=key_of("sales-bot"))
    names = _names(made.stub(MessageServiceStub))
    exec(example(world, marked="langgraph"), names)  # noqa: S102 - the chapter's own
    graph = StateGraph(MessagesState)
    graph.add_node("tools", names["tools"])
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    asked = AIMessage("", tool_calls=[{"name": "send_mail", "args": ARGUMENTS, "id": "call-1", "type": "tool_call"}])

    async def said() -> str:
        compiled: Any = graph.compile()
        found = await asyncio.to_thread(compiled.invoke, {"messages": [asked]})
        return str(found["messages"][-1].content)

    with made:
        assert await _told(world, upstream, said) == "messages/m-1"


async def test_pydantic_ai_gives_its_model_the_answer_or_what_to_do_instead(
    world: World, upstream: FakeUpstream
) -> None:
    from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    def answer(messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
        last = messages[-1].parts[-1]
        if last.part_kind == "user-prompt":
            return ModelResponse(parts=[ToolCallPart("send_mail", ARGUMENTS)])
        return ModelResponse(parts=[TextPart(str(last.content))])  # type: ignore[union-attr]

    async with _client(world) as made:
        names = _names(made.stub(MessageServiceStub)) | {"model": FunctionModel(answer)}
        exec(example(world, marked="pydantic_ai"), names)  # noqa: S102 - the chapter's own

        async def said() -> str:
            return str((await names["agent"].run("Write to Ada.")).output)

        assert await _told(world, upstream, said) == "messages/m-1"


async def test_openai_agents_give_their_model_the_answer_or_what_to_do_instead(
    world: World, upstream: FakeUpstream
) -> None:
    from agents.tool_context import ToolContext

    async with _client(world) as made:
        names = _names(made.stub(MessageServiceStub))
        exec(example(world, marked="function_tool"), names)  # noqa: S102 - the chapter's own
        given = json.dumps(ARGUMENTS)
        context = ToolContext(None, tool_name="send_mail", tool_call_id="call-1", tool_arguments=given)

        async def said() -> str:
            return str(await names["send_mail"].on_invoke_tool(context, given))

        assert await _told(world, upstream, said) == "messages/m-1"


async def _told(world: World, upstream: FakeUpstream, said: Callable[[], Awaitable[str]]) -> str:
    """What a model is told of a message that is sent, once what it is told of a second one says what to do instead."""
    upstream.behave = answering(SENT.SerializeToString())
    await world.publish(policy(upstream.address, caps=[cap(1)]))
    answer = await said()
    refused = await said()
    assert "often enough" in refused
    assert "Do not try again before 20" in refused
    assert len(upstream.asked) == 1
    return answer


def _names(stub: Any) -> dict[str, Any]:
    return {
        "__name__": "readme",
        "client": pilote,
        "stub": stub,
        "mail": lambda contact, body: send(contact, body=body),
    }


def _client(world: World) -> aio.Pilote:
    return aio.Pilote(f"127.0.0.1:{world.gateways[0].port}", key=key_of("sales-bot"))
