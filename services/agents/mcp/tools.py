"""Tools, derived from methods: name, description, schemas and hints. Made once for each version of the contracts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import mcp_types
import msgspec
from google.protobuf import descriptor_pb2

from pilote.decision.v1 import decision_service_pb2
from pilote.governance.v1 import annotations_pb2
from services.agents.catalogue import Catalogue, Method
from services.agents.mcp.naming import names_of
from services.agents.mcp.schemas import Schemas
from services.agents.schemas import Schema

PAGE_SIZE: Final = 25
"""What a page of a list holds where the caller does not say it."""
MOST_PAGE_SIZE: Final = 100
STREAM_ITEMS: Final = 50
"""Messages of a stream that one answer holds where the caller does not say it."""
MOST_STREAM_ITEMS: Final = 200
MOST_REQUESTS: Final = 100
"""Messages that a tool takes for a stream of requests."""
GET_HOLD: Final = "/pilote.decision.v1.DecisionService/GetHold"
WAIT_HOLD: Final = "/pilote.decision.v1.DecisionService/WaitHold"
_OWN: Final[dict[str, str]] = {GET_HOLD: "holds_get", WAIT_HOLD: "holds_wait"}
_ASKED_OF_US: Final = ("/pilote.decision.v1.DecisionService/", "/pilote.objective.v1.ObjectiveService/")
"""What the gateway answers itself is no tool, but for what waits for holds; objectives are resources."""
_SAYS: Final = {
    annotations_pb2.OPERATION_READ: "Reads; changes nothing.",
    annotations_pb2.OPERATION_WRITE: "Changes records.",
    annotations_pb2.OPERATION_CONTACT: "Reaches a person.",
    annotations_pb2.OPERATION_DELETE: "Deletes.",
    annotations_pb2.OPERATION_INFER: "Asks a model.",
}
_AUTONOMY: Final = {
    decision_service_pb2.AUTONOMY_OBSERVE: "Calls are only noted, never made.",
    decision_service_pb2.AUTONOMY_SUGGEST: "A person sees each call and acts themselves.",
    decision_service_pb2.AUTONOMY_APPROVE: "A person must approve each call before it is made.",
}
_HELD: Final = "A call may be kept for a person or until a time; then wait for it with holds_wait."

Kind = Literal["one", "items", "many"]


class Tool(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One method as a tool, whoever uses it."""

    name: str
    method: Method
    kind: Kind
    """"one" request and answer; "items": a stream of answers; "many": a stream of requests."""
    paged: bool
    """Whether it lists page by page."""
    idempotent: bool
    harmless: bool
    """Whether the contract says that it has no side effects."""
    input_schema: Schema
    output_schema: Schema


class Tools:
    """The tools of a catalogue; they follow its changes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._version = -1
        self._by_name: dict[str, Tool] = {}

    def find(self, name: str) -> Tool | None:
        """The tool of that name."""
        return self._current().get(name)

    def offered(self, methods: Mapping[str, decision_service_pb2.Method]) -> Sequence[tuple[Tool, str]]:
        """The tools for these methods, and those that wait for holds, by name; each with its description."""
        return [
            (tool, self._description(tool, methods.get(tool.method.full_name)))
            for tool in self._current().values()
            if tool.method.full_name in methods or tool.method.full_name in _OWN
        ]

    def _current(self) -> Mapping[str, Tool]:
        if self._version != self._catalogue.version:
            governed = [each for each in self._catalogue.methods() if not each.full_name.startswith(_ASKED_OF_US)]
            names = dict(names_of(each.full_name for each in governed)) | _OWN
            made = [
                self._made(names[each.full_name], each) for each in self._catalogue.methods() if each.full_name in names
            ]
            self._by_name = {tool.name: tool for tool in sorted(made, key=lambda tool: tool.name)}
            self._version = self._catalogue.version
        return self._by_name

    def _made(self, name: str, method: Method) -> Tool:
        descriptor = method.descriptor
        level = descriptor_pb2.MethodOptions.FromString(descriptor.GetOptions().SerializeToString()).idempotency_level
        kind: Kind = "many" if descriptor.client_streaming else "items" if descriptor.server_streaming else "one"
        harmless = level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
        takes, answers = descriptor.input_type.fields_by_name, descriptor.output_type.fields_by_name
        paged = kind == "one" and "page_size" in takes and "next_page_token" in answers
        return Tool(
            name=name,
            method=method,
            kind=kind,
            paged=paged,
            idempotent=harmless or level == descriptor_pb2.MethodOptions.IDEMPOTENT or "request_id" in takes,
            harmless=harmless,
            input_schema=self._input(method, kind=kind, paged=paged, harmless=harmless),
            output_schema=self._output(method, kind=kind),
        )

    def _input(self, method: Method, *, kind: Kind, paged: bool, harmless: bool) -> Schema:
        schema = Schemas(self._catalogue.comments, direction="request").whole(method.descriptor.input_type)
        schema.pop("description", None)
        if kind == "many":
            definitions = schema.pop("$defs", {})
            items = {"type": "array", "items": schema, "minItems": 1, "maxItems": MOST_REQUESTS}
            whole: Schema = {"type": "object", "properties": {"requests": items}, "required": ["requests"]}
            return whole | {"additionalProperties": False} | ({"$defs": definitions} if definitions else {})
        if paged:
            schema["properties"]["page_size"] |= {"minimum": 0, "maximum": MOST_PAGE_SIZE, "default": PAGE_SIZE}
        if kind == "items" and harmless:
            schema["properties"] |= {
                "max_items": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MOST_STREAM_ITEMS,
                    "default": STREAM_ITEMS,
                    "description": "How many items to answer with.",
                },
                "skip_items": {
                    "type": "integer",
                    "minimum": 0,
                    "default": 0,
                    "description": "How many items to leave out: next_skip_items of the answer before.",
                },
            }
        return schema

    def _output(self, method: Method, *, kind: Kind) -> Schema:
        schema = Schemas(self._catalogue.comments, direction="answer").whole(method.descriptor.output_type)
        schema.pop("description", None)
        if method.full_name in _OWN:
            held = schema["$defs"]["pilote.decision.v1.Hold"]["properties"]
            held["response"] = {"type": "object", "description": "The answer of the executed call."}
        if kind == "one":
            return schema
        definitions = schema.pop("$defs", {})
        items = {"type": "array", "items": schema}
        further = {"type": "integer", "description": "Where to go on; absent where all were told."}
        whole: Schema = {"type": "object", "properties": {"items": items, "next_skip_items": further}}
        return whole | {"required": ["items"]} | ({"$defs": definitions} if definitions else {})

    def _description(self, tool: Tool, offered: decision_service_pb2.Method | None) -> str:
        parts = [tool.method.comment or f"{tool.method.descriptor.name} of {_service_of(tool)}."]
        if offered is not None:
            parts += [_SAYS.get(offered.operation, ""), _AUTONOMY.get(offered.autonomy, "")]
            parts.append(_HELD if offered.may_be_held else "")
            parts.append(f"Limited by: {', '.join(offered.limits)}." if offered.limits else "")
        return " ".join(filter(None, parts))


def shown(tool: Tool, description: str, offered: decision_service_pb2.Method | None) -> mcp_types.Tool:
    """The tool as MCP lists it."""
    operation = annotations_pb2.OPERATION_READ if offered is None else offered.operation
    reads = operation == annotations_pb2.OPERATION_READ
    annotations = mcp_types.ToolAnnotations(
        title=_title(tool.name),
        read_only_hint=reads,
        destructive_hint=operation == annotations_pb2.OPERATION_DELETE,
        idempotent_hint=reads or tool.idempotent,
        open_world_hint=operation == annotations_pb2.OPERATION_CONTACT,
    )
    meta: dict[str, Any] = {"pilote/method": tool.method.full_name}
    if offered is not None:
        meta["pilote/operation"] = annotations_pb2.Operation.Name(operation).removeprefix("OPERATION_")
    return mcp_types.Tool(
        name=tool.name,
        title=_title(tool.name),
        description=description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=annotations,
        _meta=meta,
    )


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _service_of(tool: Tool) -> str:
    return str(tool.method.descriptor.containing_service.full_name)
