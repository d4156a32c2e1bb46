"""Names of OpenTelemetry's semantic conventions, as far as spans and metrics of ours use them.

Our own constants, for the package of the conventions has moved its `gen_ai` and `mcp` ones out once already. What they
are is checked against that package, where it still has them, by `tests/contract/test_semconv.py`.
"""

from collections.abc import Mapping
from typing import Final

CONVENTIONS: Final = "1.44.0"
"""Version of the semantic conventions that `rpc.*`, `http.*`, `url.*` and `error.*` are taken from."""
SCHEMA_URL: Final = f"https://opentelemetry.io/schemas/{CONVENTIONS}"
GEN_AI_CONVENTIONS: Final = "0.1.0"
"""Version of the conventions for generative AI, a repository of its own, that `gen_ai.*` and `mcp.*` are taken from."""

RPC_SYSTEM: Final = "rpc.system.name"
RPC_METHOD: Final = "rpc.method"
RPC_STATUS: Final = "rpc.response.status_code"
HTTP_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"
URL_SCHEME: Final = "url.scheme"
ERROR_TYPE: Final = "error.type"
GRPC: Final = "grpc"
OTHER: Final = "_OTHER"
"""What `rpc.method` is where nobody has described the method: what a caller sends there is without bounds."""

CALL_DURATION: Final = "rpc.server.call.duration"
"""Histogram of seconds."""
CALL_DURATION_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds of its buckets, in seconds, as the conventions advise."""

GEN_AI_OPERATION: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER: Final = "gen_ai.provider.name"
GEN_AI_MODEL: Final = "gen_ai.request.model"
GEN_AI_ANSWERED: Final = "gen_ai.response.model"
GEN_AI_STREAM: Final = "gen_ai.request.stream"
GEN_AI_CONVERSATION: Final = "gen_ai.conversation.id"
GEN_AI_PROMPT: Final = "gen_ai.prompt.name"
GEN_AI_AGENT: Final = "gen_ai.agent.name"
GEN_AI_AGENT_VERSION: Final = "gen_ai.agent.version"
GEN_AI_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
GEN_AI_TOOL: Final = "gen_ai.tool.name"
GEN_AI_TOOL_CALL: Final = "gen_ai.tool.call.id"

MCP_METHOD: Final = "mcp.method.name"
MCP_PROTOCOL: Final = "mcp.protocol.version"
MCP_RESOURCE: Final = "mcp.resource.uri"
MCP_SESSION: Final = "mcp.session.id"

CHAT: Final = "chat"
TEXT_COMPLETION: Final = "text_completion"
EMBEDDINGS: Final = "embeddings"
INFERENCE: Final = "inference"
"""Our own value, for what the conventions have none: a score of a model that generates nothing."""
OPENAI: Final = "openai"

OPERATIONS: Final[Mapping[str, str]] = {
    "/pilote.inference.v1.InferenceService/CreateChatCompletion": CHAT,
    "/pilote.inference.v1.InferenceService/StreamChatCompletion": CHAT,
    "/pilote.inference.v1.InferenceService/CreateCompletion": TEXT_COMPLETION,
    "/pilote.inference.v1.InferenceService/CreateEmbeddings": EMBEDDINGS,
}
"""What the methods of our own contract for language models are; any other inference is `INFERENCE`."""
PROVIDERS: Final[Mapping[str, str]] = {"openai": OPENAI}
"""Who provides a model, by the kind of upstream. Of a gRPC server nobody can tell."""
