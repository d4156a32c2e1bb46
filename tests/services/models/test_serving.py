"""The model server, asked over the Open Inference Protocol."""

import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from open_inference.grpc import protocol as oip
from open_inference.grpc import service as oip_service

from services.models.scoring import Batch, load
from services.models.server import SERVICE, running
from tests.services.refusals import refused

WORDS: Mapping[str, Sequence[str]] = {
    "seniority": ("c_suite", "vp", "unheard of"),
    "role_function": ("vp_finance", "it_director", "ap_manager"),
    "industry": ("logistics", "manufacturing", "logistics"),
    "region": ("UK", "US", "FR"),
    "lead_source": ("inbound_marketing", "sdr_outbound", ""),
    "first_touch_channel": ("inbound_marketing", "sdr_outbound", ""),
}
COUNTS: Mapping[str, Sequence[int]] = {"touches": (9, 0, 3), "sales_activities": (12, 0, 3)}


@pytest.fixture
async def channels() -> AsyncIterator[Mapping[str, grpc.aio.Channel]]:
    """Version 1 and version 2, each in a server of its own."""
    async with (
        running(listen="127.0.0.1:0", version="1", drain_seconds=1) as one,
        running(listen="127.0.0.1:0", version="2", drain_seconds=1) as two,
        grpc.aio.insecure_channel(f"127.0.0.1:{one}") as to_one,
        grpc.aio.insecure_channel(f"127.0.0.1:{two}") as to_two,
    ):
        yield {"1": to_one, "2": to_two}


@pytest.fixture
def stubs(channels: Mapping[str, grpc.aio.Channel]) -> Mapping[str, Any]:
    """Stubs of both versions."""
    stub: Any = oip_service.GRPCInferenceServiceStub
    return {version: stub(channel) for version, channel in channels.items()}


def _request(version: str, *, counts: Mapping[str, Sequence[int]] = COUNTS) -> Any:
    tensor = oip.ModelInferRequest.InferInputTensor
    request = oip.ModelInferRequest(model_name="lead-score", model_version=version, id="r-1")
    for name, words in WORDS.items():
        contents = oip.InferTensorContents(bytes_contents=[word.encode() for word in words])
        request.inputs.append(tensor(name=name, datatype="BYTES", shape=[len(words)], contents=contents))
    for name, values in counts.items():
        contents = oip.InferTensorContents(int64_contents=values)
        request.inputs.append(tensor(name=name, datatype="INT64", shape=[len(values), 1], contents=contents))
    return request


@pytest.mark.parametrize("version", ["1", "2"])
async def test_each_version_scores_every_lead_of_the_batch(stubs: Mapping[str, Any], version: str) -> None:
    response = await stubs[version].ModelInfer(_request(version))
    score, which = response.outputs
    assert (response.model_name, response.model_version, response.id) == ("lead-score", version, "r-1")
    assert (score.name, score.datatype, list(score.shape)) == ("score", "FP64", [3])
    assert list(score.contents.fp64_contents) == load(version).scores(Batch(3, WORDS, COUNTS))
    assert all(0 < value < 1 for value in score.contents.fp64_contents)
    assert list(which.contents.bytes_contents) == [version.encode()] * 3


async def test_raw_contents_give_the_same_scores(stubs: Mapping[str, Any]) -> None:
    typed, raw = _request("2"), _request("2")
    for tensor in raw.inputs:
        if tensor.datatype == "BYTES":
            values = [struct.pack("<I", len(word)) + word for word in tensor.contents.bytes_contents]
        else:
            values = [struct.pack("<q", value) for value in tensor.contents.int64_contents]
        raw.raw_input_contents.append(b"".join(values))
        tensor.ClearField("contents")
    assert (await stubs["2"].ModelInfer(raw)).outputs == (await stubs["2"].ModelInfer(typed)).outputs


async def test_a_caller_of_version_1_may_be_routed_to_version_2(stubs: Mapping[str, Any]) -> None:
    response = await stubs["2"].ModelInfer(_request("2", counts={}))
    assert len(response.outputs[0].contents.fp64_contents) == 3


async def test_version_2_tells_active_leads_from_silent_ones(stubs: Mapping[str, Any]) -> None:
    response = await stubs["2"].ModelInfer(_request("2"))
    active, silent, _ = response.outputs[0].contents.fp64_contents
    assert active > silent


async def test_only_the_outputs_asked_for_are_sent(stubs: Mapping[str, Any]) -> None:
    request = _request("1")
    request.outputs.add(name="version")
    assert [output.name for output in (await stubs["1"].ModelInfer(request)).outputs] == ["version"]


async def test_a_request_for_another_version_is_not_found(stubs: Mapping[str, Any]) -> None:
    with refused() as refusal:
        await stubs["1"].ModelInfer(_request("2"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_a_request_without_a_version_is_an_invalid_argument(stubs: Mapping[str, Any]) -> None:
    with refused() as refusal:
        await stubs["1"].ModelInfer(_request(""))
    assert refusal.fields == ("model_version",)


async def test_a_request_for_another_model_is_not_found(stubs: Mapping[str, Any]) -> None:
    request = _request("1")
    request.model_name = "churn"
    with refused() as refusal:
        await stubs["1"].ModelInfer(request)
    assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_every_wrong_input_is_named(stubs: Mapping[str, Any]) -> None:
    request = _request("2")
    by_name = {tensor.name: tensor for tensor in request.inputs}
    by_name["seniority"].datatype = "FP32"
    by_name["region"].shape[:] = [2]
    by_name["industry"].shape[:] = [3, 2]
    by_name["touches"].name = "touchs"
    del request.inputs[-1]  # sales_activities may be missing
    request.outputs.add(name="probability")
    with refused() as refusal:
        await stubs["2"].ModelInfer(request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert set(refusal.fields) == {
        "inputs.seniority",
        "inputs.region",
        "inputs.industry",
        "inputs.touchs",
        "outputs.probability",
    }


async def test_contents_that_do_not_fit_the_shape_are_named(stubs: Mapping[str, Any]) -> None:
    request = _request("2")
    by_name = {tensor.name: tensor for tensor in request.inputs}
    by_name["seniority"].contents.bytes_contents.pop()
    by_name["region"].contents.bytes_contents[0] = b"\xff"
    by_name["touches"].contents.int64_contents[0] = -1
    with refused() as refusal:
        await stubs["2"].ModelInfer(request)
    assert set(refusal.fields) == {"inputs.seniority", "inputs.region", "inputs.touches"}


@pytest.mark.parametrize("raw", [b"\x01", b"\x05\x00\x00\x00ab", b""])
async def test_raw_contents_that_break_off_are_named(stubs: Mapping[str, Any], raw: bytes) -> None:
    request = _request("1", counts={})
    good = b"".join(struct.pack("<I", 1) + b"x" for _ in range(3))
    request.raw_input_contents.extend([raw, *[good] * (len(request.inputs) - 1)])
    with refused() as refusal:
        await stubs["1"].ModelInfer(request)
    assert refusal.fields == ("inputs.seniority",)


async def test_a_request_without_inputs_says_which_are_needed(stubs: Mapping[str, Any]) -> None:
    with refused() as refusal:
        await stubs["1"].ModelInfer(oip.ModelInferRequest(model_name="lead-score", model_version="1"))
    assert refusal.fields == ("inputs",)


async def test_readiness_is_that_of_the_version_served(stubs: Mapping[str, Any]) -> None:
    stub = stubs["1"]
    assert (await stub.ServerLive(oip.ServerLiveRequest())).live
    assert (await stub.ServerReady(oip.ServerReadyRequest())).ready
    for name, version, ready in (("lead-score", "1", True), ("lead-score", "2", False), ("churn", "1", False)):
        assert (await stub.ModelReady(oip.ModelReadyRequest(name=name, version=version))).ready is ready


async def test_metadata_lists_every_input_of_either_version(stubs: Mapping[str, Any]) -> None:
    one = await stubs["1"].ModelMetadata(oip.ModelMetadataRequest(name="lead-score"))
    two = await stubs["2"].ModelMetadata(oip.ModelMetadataRequest(name="lead-score", version="2"))
    assert (list(one.versions), list(two.versions)) == (["1"], ["2"])
    assert one.inputs == two.inputs
    assert {tensor.name for tensor in one.inputs} >= {*WORDS, *COUNTS}
    assert (await stubs["1"].ServerMetadata(oip.ServerMetadataRequest())).name == "pilote-models"


async def test_health_and_reflection_name_the_service(channels: Mapping[str, grpc.aio.Channel]) -> None:
    health: Any = health_pb2_grpc.HealthStub(channels["1"])
    answer = await health.Check(health_pb2.HealthCheckRequest(service=SERVICE))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channels["1"])
    requests = iter([reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE)])
    async for response in reflection.ServerReflectionInfo(requests):
        assert response.file_descriptor_response.file_descriptor_proto


def test_a_version_that_there_is_not_does_not_start() -> None:
    with pytest.raises(ValueError, match="no version '3'"):
        load("3")
