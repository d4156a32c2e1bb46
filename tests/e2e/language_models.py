"""What tests of language models share: a policy before an OpenAI-compatible server, and requests."""

from pathlib import Path
from typing import Any, Final

from pilote.inference.v1 import chat_pb2
from pilote.inference.v1.inference_service_pb2 import CreateChatCompletionRequest, StreamChatCompletionRequest
from tests.e2e.policy import Data, agent, allow_all
from tests.e2e.world import credential

KEY: Final = "sk-nobody-must-ever-see-this"
WRITER: Final = credential("writer-bot")
SERVICE: Final = "/pilote.inference.v1.InferenceService"
PROMPT: Final = "Answer in one sentence. Never promise anything."


def writing(url: str, home: Path, **sections: Any) -> Data:
    """One model in two versions at the same server, one of them with a prompt; the first has all the weight."""
    key = home / "llm.key"
    key.write_text(KEY)
    document: Data = {
        "agents": [agent("writer-bot")],
        "upstreams": [{"name": "llm", "kind": "openai", "url": url, "key_file": str(key), "timeout": "10s"}],
        "prompts": [{"name": "polite", "versions": [{"version": "1", "text": PROMPT}]}],
        "models": [
            {
                "name": "writer",
                "versions": [
                    {"version": "1", "upstream": "llm", "served_as": "gpt-4o-2024-08-06", "prompt": "polite@1"},
                    {"version": "2", "upstream": "llm", "served_as": "gpt-4o-2024-11-20"},
                ],
                "aliases": {"challenger": "2"},
            }
        ],
        "routes": [
            {
                "name": "writing",
                "methods": ["/pilote.inference.v1.*"],
                "models": ["writer"],
                "arms": [
                    {"name": "champion", "version": "1", "weight": 9_999},
                    {"name": "challenger", "version": "@challenger", "weight": 1},
                ],
            }
        ],
        "rules": [allow_all()],
    }
    return document | sections


def chat(*texts: str) -> chat_pb2.Chat:
    """A conversation in which a person says these texts."""
    return chat_pb2.Chat(messages=[chat_pb2.ChatMessage(role=chat_pb2.ROLE_USER, text=text) for text in texts])


def asked(*texts: str, version: str = "1", **more: Any) -> CreateChatCompletionRequest:
    """A request for an answer."""
    return CreateChatCompletionRequest(model="writer", model_version=version, chat=chat(*texts), **more)


def streamed(*texts: str, version: str = "1", **more: Any) -> StreamChatCompletionRequest:
    """A request for an answer piece by piece."""
    return StreamChatCompletionRequest(model="writer", model_version=version, chat=chat(*texts), **more)
