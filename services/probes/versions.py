"""Asks a version of a model at its own upstream, as the gateway would: pinned, and with its prompt."""

import asyncio
import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

import grpc
from google.protobuf import json_format

from gateway.adapters.openai.upstreams import OpenAIUpstreams
from gateway.adapters.upstreams import Upstreams
from gateway.core.call import Operation
from gateway.core.errors import CallEnded
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.revision.compiled import Revision
from gateway.upstream.kinds import UpstreamKinds
from services.probes.asking import Came, Unaskable
from services.probes.digests import digest_of, prompt_of, version_in
from services.probes.requests import Requests

_CHANGING: Final = frozenset({"id", "usage", "created"})
"""What of an answer is another each time, whatever was asked."""
_FORMATS: Final[Mapping[str, str]] = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""Tensors of the Open Inference Protocol as raw bytes, little-endian."""


class VersionUnknown(Exception):
    """The policy has no such version of a model."""


class Version:
    """A version that is probed; to be closed. It asks from a thread that runs no event loop."""

    kind: Final[Literal["policy", "version"]] = "version"

    def __init__(self, revision: Revision, model: str, version: str) -> None:
        """Of the models in that policy.

        Raises:
            VersionUnknown: there is none of that name.
        """
        found = version_in(revision.document, model, version)
        if found is None:
            raise VersionUnknown(f"{model}/{version}")
        self.name: Final = f"{model}/{version}"
        self.digest: Final = digest_of(revision.document, model, found)
        self._version = found
        self._upstream = revision.upstreams[found.upstream]
        self._prompt = prompt_of(revision.document, found)
        self._requests = Requests(revision)
        self._runner = asyncio.Runner()
        self._kinds: UpstreamKinds | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._kinds is not None:
            self._runner.run(self._kinds.close())
        self._runner.close()

    def ask(self, call: Mapping[str, Any]) -> Came:
        """Have the model answer. What the policy says of the call does not matter, nor facts and contacts.

        Raises:
            Unaskable: the method asks no model, the request does not fit it, or the model does not answer.
        """
        method = str(call["method"])
        contract = self._requests.contract(method)
        if contract.operation is not Operation.INFER or contract.client_streaming or contract.server_streaming:
            raise Unaskable("broken-infers", method=method)
        request = self._requests.bytes_of(method, call["request"])
        if contract.pin is not None:
            request = contract.pin(contract.decode(request), self._version.served_as or self._version.version)
        if contract.instruct is not None:
            request = contract.instruct(request, self._prompt)
        reply = self._runner.run(self._answered(method, request))
        assert contract.decode_reply is not None  # noqa: S101 - every described gRPC method has it
        try:
            data = json_format.MessageToDict(contract.decode_reply(reply), preserving_proto_field_name=True)  # type: ignore[arg-type]
        except ValueError as error:
            raise Unaskable("broken-upstream", status="DATA_LOSS") from error
        return Came(answer=readable({name: value for name, value in data.items() if name not in _CHANGING}))

    async def _answered(self, method: str, request: bytes) -> bytes:
        if self._kinds is None:
            self._kinds = UpstreamKinds({"grpc": Upstreams(), "openai": OpenAIUpstreams()})
            self._kinds.use([self._upstream])
        asking = self._kinds.unary(self._upstream, method)
        try:
            return await asking(request, timeout=duration_ms(self._upstream.timeout) / 1000, metadata=())
        except grpc.aio.AioRpcError as error:
            raise Unaskable("broken-upstream", status=error.code().name) from error
        except CallEnded as ended:
            raise Unaskable("broken-upstream", status=ended.reason.value) from ended


def readable(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer with the values of its tensors as lists, `outputs.0.values`, in whichever way they were sent."""
    outputs = answer.get("outputs")
    if not isinstance(outputs, list):
        return answer
    raw = [base64.b64decode(each) for each in answer.get("raw_output_contents", ())]
    found = []
    for index, output in enumerate(outputs):
        contents, datatype = output.get("contents") or {}, output.get("datatype", "")
        values = _unpacked(raw[index], datatype) if index < len(raw) else _listed(contents)
        kept = {name: value for name, value in output.items() if name != "contents"}
        found.append({**kept, "values": values})
    return {**{name: value for name, value in answer.items() if name != "raw_output_contents"}, "outputs": found}


def _listed(contents: Mapping[str, Sequence[Any]]) -> list[Any]:
    """The one list of a tensor's contents; protobuf's JSON has bytes as base64 and numbers of 64 bits as texts."""
    for name, values in contents.items():
        if name == "bytes_contents":
            return [base64.b64decode(each).decode(errors="replace") for each in values]
        return [int(each) if "int64" in name else each for each in values]
    return []


def _unpacked(raw: bytes, datatype: str) -> list[Any]:
    form = _FORMATS.get(datatype)
    if form is not None:
        return [each for (each,) in struct.iter_unpack(f"<{form}", raw[: len(raw) - len(raw) % struct.calcsize(form)])]
    texts, at = [], 0
    while datatype == "BYTES" and at + 4 <= len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        texts.append(raw[at + 4 : at + 4 + size].decode(errors="replace"))
        at += 4 + size
    return texts
